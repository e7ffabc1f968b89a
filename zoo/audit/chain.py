"""The chain as it grows: many threads and processes add to it, and it stays one."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO

import zoo
from zoo.audit import files, head
from zoo.audit.head import Head
from zoo.audit.record import FORMAT, OPENED, End, Record, link, read
from zoo.audit.trouble import BROKEN, busy, explained
from zoo.errors import BrokenLog

_LOCK = "lock"
_LOOK = 0.0005  # seconds between looks at a lock that another process holds; at most twenty times as long


class Chain:
    """Appends to a log's files.

    Args:
        folder: the log's; made where it is missing, for its owner alone.
        megabytes: a file that has grown so large is followed by another.
        days: so is one whose first record is so old; None: at any age.
        timeout: seconds to wait for a turn.
        sync: a commit waits for the disk, and outlives a power cut.

    Raises:
        Unrecorded: the folder can't be made or written.
    """

    def __init__(self, folder: Path, *, megabytes: float, days: float | None, timeout: float, sync: bool) -> None:
        self.folder, self.timeout = folder, timeout
        self._bytes, self._age, self._sync = megabytes * 1e6, days, sync
        self._parents: list[sqlite3.Connection | None] = []
        self._begin()
        with explained(folder, timeout):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            (folder / _LOCK).touch()
            if not files.files(folder):
                with self._turn():  # nobody reads a head that is being made
                    head.create(folder)

    def _begin(self) -> None:
        self._process = os.getpid()
        self._threads = threading.Lock()
        self._database: sqlite3.Connection | None = None
        self._opened: tuple[Path, int] | None = None
        self._until: datetime | None = None

    def append(self, events: Sequence[Mapping[str, Any]]) -> list[Record]:
        """Add events in one commit; when this returns they outlive any kill of the process.

        Raises:
            Unrecorded: none of them was added.
            BrokenLog: nor can they be before a person has looked at it.
        """
        if self._process != os.getpid():
            self._parents.append(self._database)  # to be neither used here nor closed
            self._begin()
        with explained(self.folder, self.timeout), self._turn():
            try:
                return self._append(events)
            except BaseException:
                self._close()  # whatever state it is in; the next append begins anew
                raise

    def close(self) -> None:
        """Let go of the files; an append opens them again."""
        if self._process == os.getpid():
            with self._threads:
                self._close()

    def _append(self, events: Sequence[Mapping[str, Any]]) -> list[Record]:
        said = head.read(self.folder)
        if said is None:
            raise BrokenLog(
                f"{head.FILE} is missing or can't be read: nothing tells where the log ends.",
                where=str(self.folder),
                fix=BROKEN,
            )
        database = self._newest()
        database.execute("BEGIN IMMEDIATE")
        begun = files.last(database)
        end = follows(said, begun or self._before())
        records: list[Record] = []
        for event in events if begun else [self._opening(), *events]:
            records.append(link(event, records[-1].end if records else end))
        database.executemany(
            "INSERT INTO records VALUES (?, ?, ?)", [(one.end.number, one.text, one.end.hash) for one in records]
        )
        coming = records[-1].end
        head.write(self.folder, Head(end, coming), sync=self._sync)
        database.execute("COMMIT")
        with suppress(OSError):  # they are added, and the head has said that they may be
            head.write(self.folder, Head(coming, coming), sync=False)
        return records[-len(events) :]

    def _newest(self) -> sqlite3.Connection:
        """A connection to the file that is written now; a file that is full or old is followed by the next."""
        there = files.files(self.folder)
        path = there[-1] if there else self.folder / files.name(1)
        # Somebody may have taken the file away that is open here: what is written into it then is lost.
        if self._database is None or self._opened != (path, _inode(path)):
            self._open(path)
        if self._is_full():
            self._open(self.folder / files.name(int(path.stem) + 1))
        if self._database is None:
            raise AssertionError("opened above")
        return self._database

    def _open(self, path: Path) -> None:
        self._close()
        self._database = files.writer(path, timeout=self.timeout, sync=self._sync)
        self._opened = (path, _inode(path))
        self._until = None
        if self._age is not None and (first := self._database.execute(files.FIRST).fetchone()):
            self._until = _time(first[0]) + timedelta(days=self._age)

    def _is_full(self) -> bool:
        if self._database is None or files.last(self._database) is None:
            return False
        (pages,), (size,) = (
            self._database.execute(f"PRAGMA {what}").fetchone() for what in ("page_count", "page_size")
        )
        return pages * size >= self._bytes or (self._until is not None and datetime.now(UTC) >= self._until)

    def _before(self) -> End:
        """Where the files before the newest end."""
        for path in reversed(files.files(self.folder)[:-1]):
            with files.reader(path) as database:
                if found := next(iter(database.execute(files.LAST)), None):
                    return End(found[0], found[1].decode())
        return End()

    def _opening(self) -> dict[str, Any]:
        """The first record of a file: what it is, and which file it follows."""
        *before, now = (path.name for path in files.files(self.folder))
        follows = before[-1] if before else ""
        return {"event": OPENED, "format": FORMAT, "file": now, "follows": follows, "zoo": zoo.__version__}

    def _close(self) -> None:
        if self._database is not None:
            self._database.close()
        self._database = self._opened = None

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Take turns with other threads and processes."""
        until = time.monotonic() + self.timeout
        if not self._threads.acquire(timeout=self.timeout):
            raise busy(self.folder, self.timeout)
        try:
            with (self.folder / _LOCK).open("ab") as file:
                self._lock(file, until)
                yield
        finally:
            self._threads.release()

    def _lock(self, file: BinaryIO, until: float) -> None:
        import fcntl  # here: where there is none, the rest of the zoo works all the same

        pause = _LOOK
        while True:
            try:
                return fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() >= until:
                    raise busy(self.folder, self.timeout) from None
            time.sleep(pause)
            pause = min(2 * pause, 20 * _LOOK)


def follows(said: Head, found: End) -> End:
    """What the next record comes after.

    It is the last record found, if the head knows of it. If not, the chain was cut, changed or added to by somebody:
    then what comes next names what the head says, so that the break stays to be seen.
    """
    if found in (said.last, said.coming):
        return found
    return End(max(found.number, said.last.number), said.last.hash)


def _time(record: str) -> datetime:
    """Of a record; one that was tampered with is as old as can be."""
    try:
        return datetime.fromisoformat((read(record.encode()) or {})["time"])
    except (KeyError, TypeError, ValueError):
        return datetime.min.replace(tzinfo=UTC)


def _inode(path: Path) -> int:
    return path.stat().st_ino if path.exists() else 0
