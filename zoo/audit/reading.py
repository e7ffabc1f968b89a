"""What is read out of a log, wherever it is kept."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from zoo.audit.opening import opened
from zoo.audit.record import End, parse_id, read, sha256
from zoo.audit.storage import Place, Storage
from zoo.audit.trouble import BROKEN
from zoo.errors import BrokenLog, UnknownRecord


def events(log: Place | Storage, *wanted: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Id and JSON object of every record of these events, in the log's order; raises BrokenLog at one that was changed.

    Whether records are gone is not looked at here.
    """
    storage = opened(log)
    storage.check()
    for number, data, stored in storage.rows():
        end = End(number, sha256(data))
        value = read(data)
        if value is None or stored != end.hash.encode():
            raise BrokenLog(f"Record {number} was changed.", where=storage.where, fix=BROKEN)
        if value["event"] in wanted:
            yield end.id, value


def latest(log: Place | Storage, event: str) -> Iterator[dict[str, Any]]:
    """JSON objects of the records of an event, the newest first. Whether they were changed is not looked at here."""
    for data in opened(log).latest(event):
        if (value := read(data)) and value.get("event") == event:
            yield value


def find(log: Place | Storage, id: str) -> dict[str, Any]:
    """The record of an id; raises UnknownRecord where there is none, or another in its place."""
    number, beginning = parse_id(id)
    storage = opened(log)
    storage.check()
    found = storage.row(number)
    if found is None:
        raise UnknownRecord(f"There is no record {number}.", where=storage.where, fix="Verify the log: was it cut off?")
    record = read(found[1])
    if record is None or not End(number, sha256(found[1])).hash.startswith(beginning):
        raise UnknownRecord(
            f"Record {number} is not the one of this id: its hash is another.",
            where=storage.where,
            fix="If the id came with an answer from this log, the log was changed since: keep it as evidence.",
        )
    return record
