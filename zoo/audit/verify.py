"""Whether every record of a log still is as it was written, and none is gone, added or moved."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from zoo.audit.head import Head
from zoo.audit.opening import opened
from zoo.audit.record import CORRECTION, DECISION, FORMAT, GAP, OPENED, End, parse_id, read, sha256
from zoo.audit.storage import Place, Row, Storage
from zoo.errors import BrokenLog

_MOST = 20  # problems told


@dataclass(frozen=True)
class Verified:
    """What was found.

    Attributes:
        files: how many files there are.
        records, decisions, corrections: how many of these.
        lost: how many decisions were shed, by the log's own word.
        last: id of the last record. Who keeps it elsewhere can tell later that nothing up to it was rewritten.
        problems: a sentence for each sign of change, the first 20 in the log's order; none: the log is whole.
    """

    files: int
    records: int
    decisions: int
    corrections: int
    lost: int
    last: str
    problems: tuple[str, ...]


def verify(log: Place | Storage, after: str | None = None) -> Verified:
    """Read every record of a log and compare it with its hash, with the record before it, and the end with the head.

    Others may go on writing meanwhile; what was there at the beginning is verified.

    Args:
        log: its folder, or the URL of its database.
        after: id of the record before the first: where older files were moved away, the last one of those.

    Raises:
        BrokenLog: there is no log, or it can't be opened.
        UnknownRecord: `after` is no id.
    """
    storage = opened(log)
    storage.check()
    walk = _Walk(*(parse_id(after) if after is not None else (-1, End().hash)))
    files = 0
    with storage.snapshot() as then:
        for name, rows in then.files:
            walk.through(name, rows)
            files += 1
    walk.ends(then.head)
    return Verified(
        files=files,
        records=sum(walk.counts.values()),
        decisions=walk.counts[DECISION],
        corrections=walk.counts[CORRECTION],
        lost=walk.lost,
        last=walk.end.id,
        problems=tuple(walk.problems[:_MOST]),
    )


@dataclass
class _Walk:
    """Goes through the records in order.

    Attributes:
        number: of the record before.
        before: its hash, or the beginning of it.
    """

    number: int
    before: str
    end: End = field(default_factory=End)
    counts: Counter[str] = field(default_factory=Counter)
    lost: int = 0
    problems: list[str] = field(default_factory=list)
    stored: str = ""
    """The hash that stands beside the record before: where one of the two was changed, one problem is enough."""

    def through(self, file: str, rows: Iterator[Row]) -> None:
        """The records of one file."""
        first = True
        try:
            for row in rows:
                self.step(*row, begins=file if first else "")
                first = False
        except BrokenLog as error:
            self.problems.append(f"{file} can't be read on after record {self.number}: {error.what}.")

    def step(self, number: int, record: Any, stored: Any, begins: str) -> None:
        """One record; `begins`: the file whose first it is."""
        data = record if isinstance(record, bytes) else str(record).encode()
        hashed = sha256(data)
        value = read(data) or {}
        if stored != hashed.encode():
            self.problems.append(f"Record {number} was changed: it is not what its hash was made of.")
        elif (value.get("number"), number) != (number, self.number + 1) or not self.follows(value.get("previous")):
            self.problems.append(self.breach(number))
        elif begins and (value.get("event"), value.get("file")) != (OPENED, begins):
            self.problems.append(f"Record {number} does not begin {begins}: it was renamed, or its first removed.")
        elif value.get("event") == OPENED and value.get("format") != FORMAT:
            self.problems.append(f"Record {number} is of format {value.get('format')}; this zoo reads {FORMAT}.")
        self.number, self.before, self.end = number, hashed, End(number, hashed)
        self.stored = stored.decode("ascii", "replace") if isinstance(stored, bytes) else ""
        self.counts[str(value.get("event"))] += 1
        if value.get("event") == GAP:
            self.lost += value["lost"] if isinstance(value.get("lost"), int) else 0

    def follows(self, previous: object) -> bool:
        """Whether a record that names this hash may come next."""
        return isinstance(previous, str) and (previous.startswith(self.before) or previous == self.stored)

    def breach(self, number: int) -> str:
        """In words: the record that was read does not follow."""
        if not self.counts and number > 0:
            known = f"record {self.number}" if self.number >= 0 else "its beginning"
            return (
                f"The log begins with record {number}, which does not follow {known}. If older files were moved away, "
                "name the id of the last record there (--after)."
            )
        return (
            f"Record {number} does not follow from record {self.number}: one of the two was changed, or records there "
            "were removed, added or moved."
        )

    def ends(self, said: Head | None) -> None:
        """Compare where the records end with where the head says that they do."""
        if said is None:
            self.problems.append("The head is missing or can't be read: nothing tells where the log must end.")
        elif {self.end, End(self.number, self.stored)} & {said.last, said.coming}:
            return
        elif self.end.number < said.last.number:
            self.problems.append(f"The log had {said.last.number + 1} records; those after {self.number} are gone.")
        elif self.end.number == said.last.number:
            self.problems.append(f"Record {self.end.number} is not the one that was written last.")
        else:
            self.problems.append(
                f"The head tells of {said.last.number + 1} records, there are {self.end.number + 1}: some were "
                "added by hand, or it was replaced."
            )
