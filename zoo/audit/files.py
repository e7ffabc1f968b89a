"""The files of a log: numbered SQLite databases in one folder, each going on where the one before it ends."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from zoo.audit import head
from zoo.audit.record import End, read, sha256
from zoo.audit.trouble import BROKEN, code_of, readable
from zoo.errors import BrokenLog

_NAME = re.compile(r"[0-9]{8}\.db")
_TABLE = "CREATE TABLE IF NOT EXISTS records (number INTEGER PRIMARY KEY, record TEXT NOT NULL, hash TEXT NOT NULL)"
FIRST = "SELECT record FROM records ORDER BY number LIMIT 1"
LAST = "SELECT number, hash FROM records ORDER BY number DESC LIMIT 1"
_ONE = "SELECT number, record, hash FROM records WHERE number = ?"
_HOLDING = "SELECT record FROM records WHERE instr(record, ?) ORDER BY number DESC"
Row = tuple[int, bytes, bytes]
"""Number, record and hash as they are stored."""


def files(folder: Path) -> list[Path]:
    """The log's files, oldest first."""
    return sorted(path for path in folder.iterdir() if _NAME.fullmatch(path.name))


def name(number: int) -> str:
    """What the log's file of this number, from 1, is called."""
    return f"{number:08}.db"


def check(folder: Path) -> None:
    """See that a folder is a log; raises BrokenLog."""
    if not folder.is_dir() or not ((folder / head.FILE).exists() or files(folder)):
        fix = "Give the folder that zoo.AuditLog or `zoo predict --audit` was given."
        raise BrokenLog("There is no audit log here.", where=str(folder), fix=fix)


def writer(path: Path, *, timeout: float, sync: bool) -> sqlite3.Connection:
    """A connection to write a file, which is made where it is missing; may be used by any thread, one at a time."""
    database = sqlite3.connect(path, timeout=timeout, isolation_level=None, check_same_thread=False)
    try:
        # WAL: readers never wait for a writer, nor it for them. NORMAL: a commit outlives every kill of the process; of
        # a power cut it is FULL alone that spares the last ones, for a sync each.
        database.execute("PRAGMA journal_mode = WAL")
        database.execute(f"PRAGMA synchronous = {'FULL' if sync else 'NORMAL'}")
        database.execute(_TABLE)
    except BaseException:
        database.close()
        raise
    return database


def last(database: sqlite3.Connection) -> End | None:
    """Where the file's records end; None where it has none."""
    found = database.execute(LAST).fetchone()
    return End(*found) if found else None


@contextmanager
def reader(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection to read a file as it is now, whoever goes on writing it; texts come as bytes."""
    with closing(_opened(path)) as database:
        yield database


def rows(database: sqlite3.Connection) -> Iterator[Row]:
    """The file's records, in their order; none where a kill came before its first."""
    if _begun(database):
        yield from database.execute("SELECT number, record, hash FROM records ORDER BY number")


def _opened(path: Path) -> sqlite3.Connection:
    # SQLite makes files beside the one it reads; what lies on a disk that can't be written is written by nobody else.
    for how in ("mode=ro", "mode=ro&immutable=1"):
        database = sqlite3.connect(f"file:{quote(str(path))}?{how}", uri=True, isolation_level=None, timeout=60.0)
        database.text_factory = bytes
        try:
            database.execute("BEGIN")
            database.execute("SELECT count(*) FROM sqlite_master")  # from now on this reader sees what there is now
        except sqlite3.OperationalError as error:
            database.close()
            if code_of(error) != sqlite3.SQLITE_CANTOPEN or "immutable" in how:
                raise
        except BaseException:
            database.close()
            raise
        else:
            return database
    raise AssertionError("the second way returned or raised")


def row(folder: Path, number: int) -> Row | None:
    """One record of a log; None where it is not there."""
    for path in reversed(files(folder)):
        with reader(path) as database:
            found: Row | None = database.execute(_ONE, (number,)).fetchone() if _begun(database) else None
        if found:
            return found
    return None


def events(folder: Path, *wanted: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Id and JSON object of every record of these events, in the log's order; raises BrokenLog at one that was changed.

    Whether records are gone is not looked at here.
    """
    check(folder)
    for path in files(folder):
        with readable(path), reader(path) as database:
            for number, data, stored in rows(database):
                end = End(number, sha256(data))
                value = read(data)
                if value is None or stored != end.hash.encode():
                    raise BrokenLog(f"Record {number} was changed.", where=str(path), fix=BROKEN)
                if value["event"] in wanted:
                    yield end.id, value


def latest(folder: Path, event: str) -> Iterator[dict[str, Any]]:
    """JSON objects of the records of an event, the newest first. Whether they were changed is not looked at here."""
    for path in reversed(files(folder)):
        with readable(path), reader(path) as database:
            # Records are canonical JSON: a text that holds this has other quotes in it.
            found = database.execute(_HOLDING, (f'"event":"{event}"',)) if _begun(database) else ()
            yield from (value for (data,) in found if (value := read(data)) and value.get("event") == event)


def _begun(database: sqlite3.Connection) -> bool:
    """Whether a file has its table: a kill may come before."""
    return bool(database.execute("SELECT 1 FROM sqlite_master WHERE name = 'records'").fetchone())
