"""Where a log's records are kept: a folder of SQLite files, or a PostgreSQL database. The chain is the same in both."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from zoo.audit.head import Head
from zoo.audit.record import End, Record
from zoo.errors import Unrecorded

Row = tuple[int, bytes, bytes]
"""Number, record and hash as they are stored."""
Place = str | Path
"""A folder, or the URL of a PostgreSQL database: postgresql://user@host/database."""


@dataclass(frozen=True)
class Rotation:
    """When a file of records is followed by another. (In a database a file is a number that its records share.)

    Attributes:
        megabytes: it has grown so large.
        days: its first record is so old; None: at any age.
    """

    megabytes: float = 1000
    days: float | None = None


class Unsettled(Unrecorded):
    """The connection was lost while records were being added, and nobody can tell yet whether they are.

    Attributes:
        records: what is in doubt; see Chain.append.
    """

    records: Sequence[Record] = ()


class Turn(Protocol):
    """What somebody finds whose turn to write it is."""

    @property
    def head(self) -> Head | None:
        """What is said of where the chain ends; None where nobody says so."""
        ...

    @property
    def last(self) -> End:
        """Where the records that are there end."""
        ...

    @property
    def opens(self) -> tuple[str, str] | None:
        """The file that begins now, and the one that it follows ('': none); None where one is gone on with."""
        ...

    def add(self, records: Sequence[Record], after: End) -> None:
        """Add records that come after this end, all or none, and let the head say so; raises Unrecorded, Unsettled."""
        ...


@dataclass(frozen=True)
class Snapshot:
    """A log as it was at one moment, whoever goes on writing.

    Attributes:
        head: as it was then.
        files: names and records of the files, oldest first, to be gone through once. The records of one that is damaged
            end with BrokenLog, and the next file may still be read.
    """

    head: Head | None
    files: Iterator[tuple[str, Iterator[Row]]]


class Storage(Protocol):
    """Keeps records and a head. Writing is for one thread at a time; reading for any.

    Attributes:
        where: it is, for people to read: without a password.
    """

    where: str

    @property
    def folder(self) -> Path | None:
        """The files'; None where there is none."""
        ...

    def create(self) -> None:
        """Begin a log where there is none; raises Unrecorded."""
        ...

    def grant(self, writers: Sequence[str], readers: Sequence[str]) -> None:
        """Let roles of a database add records, or only read them; raises BadInput, Unrecorded."""
        ...

    def check(self) -> None:
        """See that there is a log; raises BrokenLog."""
        ...

    def turn(self, until: float) -> AbstractContextManager[Turn]:
        """Let nobody else write meanwhile; raises Unrecorded where that does not come true by `until` (monotonic)."""
        ...

    def holds(self, records: Sequence[Record], until: float) -> bool:
        """Whether records are there that Unsettled was raised about; raises Unrecorded where that can't be told yet."""
        ...

    def close(self) -> None:
        """Let go of files and connections; the next turn opens them again."""
        ...

    def forked(self) -> None:
        """Forget files and connections without closing them: they are the parent process's."""
        ...

    def row(self, number: int) -> Row | None:
        """One record; None where it is not there."""
        ...

    def rows(self) -> Iterator[Row]:
        """All records, in their order; raises BrokenLog."""
        ...

    def latest(self, event: str) -> Iterator[bytes]:
        """Records of an event, the newest first; raises BrokenLog."""
        ...

    def snapshot(self) -> AbstractContextManager[Snapshot]:
        """Head and records of one moment; raises BrokenLog."""
        ...
