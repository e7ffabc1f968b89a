"""Whether every record of a log still is as it was written, and none is gone, added or moved."""

from __future__ import annotations

import sqlite3
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from zoo.audit import files, head
from zoo.audit.head import Head
from zoo.audit.record import CORRECTION, DECISION, FORMAT, GAP, OPENED, End, parse_id, read, sha256
from zoo.audit.trouble import code_of, readable
from zoo.errors import BrokenLog

_MOST = 20  # problems told
_TRIES = 1000


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


def verify(folder: str | Path, after: str | None = None) -> Verified:
    """Read every record of a log and compare it with its hash, with the record before it, and the end with the head.

    Others may go on writing meanwhile; what was there at the beginning is verified.

    Args:
        folder: the log's.
        after: id of the record before the first: where older files were moved away, the last one of those.

    Raises:
        BrokenLog: there is no log, or its files can't be opened.
        UnknownRecord: `after` is no id.
    """
    folder = Path(folder)
    files.check(folder)
    walk = _Walk(*(parse_id(after) if after is not None else (-1, End().hash)))
    with ExitStack() as stack, readable(folder):
        said, paths, newest = _start(folder, stack)
        for path in paths:
            walk.through(path, newest if path == paths[-1] else None)
    walk.ends(said)
    return Verified(
        files=len(paths),
        records=sum(walk.counts.values()),
        decisions=walk.counts[DECISION],
        corrections=walk.counts[CORRECTION],
        lost=walk.lost,
        last=walk.end.id,
        problems=tuple(walk.problems[:_MOST]),
    )


def _start(folder: Path, stack: ExitStack) -> tuple[Head | None, list[Path], sqlite3.Connection | None]:
    """The head, and the files as they were when it said so: looked at again and again until nobody wrote between."""
    for _ in range(_TRIES):
        with ExitStack() as trial:
            said, paths = head.read(folder), files.files(folder)
            newest: sqlite3.Connection | None = None
            try:
                newest = trial.enter_context(files.reader(paths[-1])) if paths else None
            except sqlite3.DatabaseError as error:
                if code_of(error) not in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
                    raise
            if head.read(folder) == said and files.files(folder) == paths:
                stack.push(trial.pop_all())
                return said, paths, newest
        time.sleep(0.001)
    raise BrokenLog(
        "The audit log is written too often to be verified now.", where=str(folder), fix="Verify a copy of the folder."
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

    def through(self, path: Path, database: sqlite3.Connection | None) -> None:
        """One file, by a connection that is open, or one of its own."""
        first = True
        try:
            with ExitStack() as stack:
                for row in files.rows(database or stack.enter_context(files.reader(path))):
                    self.step(*row, begins=path.name if first else "")
                    first = False
        except sqlite3.DatabaseError as error:
            self.problems.append(f"{path.name} can't be read on after record {self.number}: {error}.")

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
            self.problems.append(f"{head.FILE} is missing or can't be read: nothing tells where the log must end.")
        elif {self.end, End(self.number, self.stored)} & {said.last, said.coming}:
            return
        elif self.end.number < said.last.number:
            self.problems.append(f"The log had {said.last.number + 1} records; those after {self.number} are gone.")
        elif self.end.number == said.last.number:
            self.problems.append(f"Record {self.end.number} is not the one that was written last.")
        else:
            self.problems.append(
                f"{head.FILE} tells of {said.last.number + 1} records, there are {self.end.number + 1}: some were "
                "added by hand, or it was replaced."
            )
