"""A record: a JSON object with its place in the chain and the hash of the one before it, and how it is named."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from zoo.canonical import canonical
from zoo.errors import UnknownRecord

FORMAT = 1
DECISION, CORRECTION, GAP, OPENED = "decision", "correction", "gap", "opened"
DIFFERENCE, ROLLOUT = "difference", "rollout"
_ID = re.compile(r"(0|[1-9][0-9]{0,17})-([0-9a-f]{12})")


@dataclass(frozen=True)
class End:
    """Where a chain ends.

    Attributes:
        number: of its last record, from 0; -1: there is none.
        hash: of that record.
    """

    number: int = -1
    hash: str = "0" * 64

    @property
    def id(self) -> str:
        """What the record is called: its number, and 12 digits of its hash.

        Whoever keeps an id can tell later that the record is still the same, even if the whole log was rewritten.
        """
        return f"{self.number}-{self.hash[:12]}"


@dataclass(frozen=True)
class Record:
    """A record as it is stored.

    Attributes:
        text: its canonical JSON (zoo.canonical), which is what is hashed.
        end: its number and hash.
    """

    text: str
    end: End


def link(event: Mapping[str, Any], previous: End) -> Record:
    """The record of an event, after the one that is last now. What is not Unicode in it becomes question marks."""
    number = previous.number + 1
    value = {**event, "number": number, "previous": previous.hash, "time": now()}
    data = canonical(value).encode("utf-8", "replace")
    return Record(data.decode(), End(number, sha256(data)))


def now() -> str:
    """UTC, ISO 8601, to the microsecond."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


def sha256(data: bytes) -> str:
    """64 hex digits."""
    return hashlib.sha256(data).hexdigest()


def parse_id(text: str) -> tuple[int, str]:
    """Number and beginning of the hash of an id; raises UnknownRecord where it is none."""
    found = _ID.fullmatch(text) if isinstance(text, str) else None
    if not found:
        raise UnknownRecord(
            f"{text!r} is not the id of a record.",
            fix="Give the id that came with the answer: 17-3fa9c1d2e0b4.",
        )
    return int(found[1]), found[2]


def read(data: bytes) -> dict[str, Any] | None:
    """A record's JSON object; None where it is none."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):  # also what is not UTF-8
        return None
    return value if isinstance(value, dict) else None
