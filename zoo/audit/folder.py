"""A log in a folder: numbered SQLite files, and `head.json`, which tells how many records there must be."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO

from zoo.audit import files, head
from zoo.audit.head import Head
from zoo.audit.record import End, Record, read
from zoo.audit.storage import Rotation, Row, Snapshot
from zoo.audit.trouble import BROKEN, busy, code_of, explained, readable
from zoo.errors import BadInput, BrokenLog

_LOCK = "lock"
_LOOK = 0.0005  # seconds between looks at a lock that another process holds; at most twenty times as long
_TRIES = 1000


class Folder:
    """A log's files; see zoo.audit.storage.Storage.

    Args:
        folder: made by `create` where it is missing, for its owner alone.
        rotation: when a file is followed by another.
        timeout: seconds to wait for a file that others hold.
        sync: a commit waits for the disk, and outlives a power cut.
    """

    def __init__(self, folder: Path, rotation: Rotation, *, timeout: float, sync: bool) -> None:
        self.folder, self.where = folder, str(folder)
        self._rotation, self._timeout, self._sync = rotation, timeout, sync
        self._parents: list[sqlite3.Connection | None] = []
        self._forget()

    def _forget(self) -> None:
        self._database: sqlite3.Connection | None = None
        self._opened: tuple[Path, int] | None = None
        self._began: datetime | None = None

    def create(self) -> None:
        """Make the folder and a head, where they are missing."""
        with explained(self.where, self._timeout):
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            (self.folder / _LOCK).touch()
            if not files.files(self.folder):
                with self._locked(time.monotonic() + self._timeout):  # nobody reads a head that is being made
                    head.create(self.folder)

    def grant(self, writers: Sequence[str], readers: Sequence[str]) -> None:
        """A folder has no roles."""
        if writers or readers:
            fix = "Give rights to the folder and its files, as the file system has them."
            raise BadInput("Roles are for a database.", where=self.where, fix=fix)

    def check(self) -> None:
        """See that the folder is a log."""
        if not self.folder.is_dir() or not ((self.folder / head.FILE).exists() or files.files(self.folder)):
            fix = "Give the folder that zoo.AuditLog or `zoo predict --audit` was given."
            raise BrokenLog("There is no audit log here.", where=self.where, fix=fix)

    @contextmanager
    def turn(self, until: float) -> Iterator[Turn]:
        """Take turns with other processes."""
        with explained(self.where, self._timeout), self._locked(until):
            try:
                said = head.read(self.folder)
                if said is None:
                    yield Turn(self, None, End(), None)
                    return
                database = self._newest()
                database.execute("BEGIN IMMEDIATE")
                begun = files.last(database)
                yield Turn(self, said, begun or self._before(), None if begun else self._opens())
            except BaseException:
                self.close()  # whatever state it is in; the next turn begins anew
                raise

    def add(self, records: Sequence[Record], after: End) -> None:
        """Add records, for whoever has the turn; zoo.audit.head says why the head is written twice."""
        database = self._database
        if database is None:
            raise AssertionError("a turn has opened it")
        database.executemany(
            "INSERT INTO records VALUES (?, ?, ?)", [(one.end.number, one.text, one.end.hash) for one in records]
        )
        coming = records[-1].end
        head.write(self.folder, Head(after, coming), sync=self._sync)
        database.execute("COMMIT")
        with suppress(OSError):  # they are added, and the head has said that they may be
            head.write(self.folder, Head(coming, coming), sync=False)

    def holds(self, records: Sequence[Record], until: float) -> bool:
        """Never asked: `add` raises no Unsettled."""
        raise AssertionError("a commit to a file either returns or raises")

    def close(self) -> None:
        """Let go of the file that is written."""
        if self._database is not None:
            self._database.close()
        self._database = self._opened = None

    def forked(self) -> None:
        """Keep the parent's connection from being used or closed."""
        self._parents.append(self._database)
        self._forget()

    def row(self, number: int) -> Row | None:
        """One record of the files."""
        with readable(self.where):
            for path in reversed(files.files(self.folder)):
                with files.reader(path) as database:
                    if found := files.row(database, number):
                        return found
        return None

    def rows(self) -> Iterator[Row]:
        """The files' records, each file as it is when it is come to."""
        for path in files.files(self.folder):
            with readable(str(path)), files.reader(path) as database:
                yield from files.rows(database)

    def latest(self, event: str) -> Iterator[bytes]:
        """Records of an event, the newest first."""
        for path in reversed(files.files(self.folder)):
            with readable(str(path)), files.reader(path) as database:
                yield from files.latest(database, event)

    @contextmanager
    def snapshot(self) -> Iterator[Snapshot]:
        """The head, and the files as they were when it said so: looked at until nobody wrote between."""
        with ExitStack() as stack, readable(self.where):
            for _ in range(_TRIES):
                with ExitStack() as trial:
                    said, paths = head.read(self.folder), files.files(self.folder)
                    newest: sqlite3.Connection | None = None
                    try:
                        newest = trial.enter_context(files.reader(paths[-1])) if paths else None
                    except sqlite3.DatabaseError as error:
                        if code_of(error) not in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
                            raise
                    if head.read(self.folder) == said and files.files(self.folder) == paths:
                        stack.push(trial.pop_all())
                        break
                time.sleep(0.001)
            else:
                fix = "Verify a copy of the folder."
                raise BrokenLog("The audit log is written too often to be verified now.", where=self.where, fix=fix)
            yield Snapshot(said, ((path.name, _whole(path, newest if path == paths[-1] else None)) for path in paths))

    def _newest(self) -> sqlite3.Connection:
        """A connection to the file that is written now; a file that is full or old is followed by the next."""
        there = files.files(self.folder)
        path = there[-1] if there else self.folder / files.name(1)
        database = self._database
        # Somebody may have taken the file away that is open here: what is written into it then is lost.
        if database is None or self._opened != (path, _inode(path)):
            database = self._open(path)
        if self._is_full(database):
            files.settle(database, 0.1 * self._timeout)
            database = self._open(self.folder / files.name(int(path.stem) + 1))
        return database

    def _open(self, path: Path) -> sqlite3.Connection:
        self.close()
        self._database = files.writer(path, timeout=self._timeout, sync=self._sync)
        self._opened = (path, _inode(path))
        self._began = None
        return self._database

    def _is_full(self, database: sqlite3.Connection) -> bool:
        if files.last(database) is None:
            return False
        (pages,), (size,) = (database.execute(f"PRAGMA {what}").fetchone() for what in ("page_count", "page_size"))
        return pages * size >= self._rotation.megabytes * 1e6 or self._is_old(database)

    def _is_old(self, database: sqlite3.Connection) -> bool:
        """Whether the file, which has a record, began so many days ago."""
        days = self._rotation.days
        if days is None:
            return False
        if self._began is None:
            self._began = _time(database.execute(files.FIRST).fetchone()[0])
        return (datetime.now(UTC) - self._began) / timedelta(days=1) >= days

    def _before(self) -> End:
        """Where the files before the newest end."""
        for path in reversed(files.files(self.folder)[:-1]):
            with files.reader(path) as database:
                if found := next(iter(database.execute(files.LAST)), None):
                    return End(found[0], found[1].decode())
        return End()

    def _opens(self) -> tuple[str, str]:
        *before, now = (path.name for path in files.files(self.folder))
        return now, before[-1] if before else ""

    @contextmanager
    def _locked(self, until: float) -> Iterator[None]:
        with (self.folder / _LOCK).open("ab") as file:
            self._lock(file, until)
            yield

    def _lock(self, file: BinaryIO, until: float) -> None:
        import fcntl  # here: where there is none, the rest of the zoo works all the same

        pause = _LOOK
        while True:
            try:
                return fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() >= until:
                    raise busy(self.where, self._timeout) from None
            time.sleep(pause)
            pause = min(2 * pause, 20 * _LOOK)


@dataclass(frozen=True)
class Turn:
    """See zoo.audit.storage.Turn."""

    folder: Folder
    head: Head | None
    last: End
    opens: tuple[str, str] | None

    def add(self, records: Sequence[Record], after: End) -> None:
        """Add records to the newest file."""
        self.folder.add(records, after)


def _whole(path: Path, database: sqlite3.Connection | None) -> Iterator[Row]:
    """A file's records, by a connection that is open, or one of its own."""
    try:
        with ExitStack() as stack:
            yield from files.rows(database or stack.enter_context(files.reader(path)))
    except sqlite3.DatabaseError as error:
        raise BrokenLog(f"{error}", where=str(path), fix=BROKEN) from error


def _time(record: str) -> datetime:
    """Of a record; one that was tampered with is as old as can be."""
    try:
        return datetime.fromisoformat((read(record.encode()) or {})["time"])
    except (KeyError, TypeError, ValueError):
        return datetime.min.replace(tzinfo=UTC)


def _inode(path: Path) -> int:
    return path.stat().st_ino if path.exists() else 0
