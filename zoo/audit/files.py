"""The files of a log in a folder: numbered SQLite databases, each going on where the one before it ends."""

from __future__ import annotations

import math
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from zoo.audit.record import End
from zoo.audit.storage import Row
from zoo.audit.trouble import code_of

_NAME = re.compile(r"[0-9]{8}\.db")
_TABLE = "CREATE TABLE IF NOT EXISTS records (number INTEGER PRIMARY KEY, record TEXT NOT NULL, hash TEXT NOT NULL)"
FIRST = "SELECT record FROM records ORDER BY number LIMIT 1"
LAST = "SELECT number, hash FROM records ORDER BY number DESC LIMIT 1"
_ONE = "SELECT number, record, hash FROM records WHERE number = ?"
_HOLDING = "SELECT record FROM records WHERE instr(record, ?) ORDER BY number DESC"


def files(folder: Path) -> list[Path]:
    """The log's files, oldest first."""
    return sorted(path for path in folder.iterdir() if _NAME.fullmatch(path.name))


def name(number: int) -> str:
    """What the log's file of this number, from 1, is called."""
    return f"{number:08}.db"


def writer(path: Path, *, timeout: float, sync: bool) -> sqlite3.Connection:
    """A connection to write a file, which is made where it is missing; may be used by any thread, one at a time.

    Who calls it has the log's lock.
    """
    if not path.exists():
        # Under another name first: who is killed while it is made leaves a journal that no reader may roll back.
        made = path.with_suffix(".new")
        # A file that was taken away may have left its WAL, which SQLite would add to the new one.
        for left in (made, *(Path(f"{one}{what}") for one in (made, path) for what in ("-journal", "-wal", "-shm"))):
            left.unlink(missing_ok=True)
        _writable(made, timeout, sync).close()
        made.rename(path)
    return _writable(path, timeout, sync)


def _writable(path: Path, timeout: float, sync: bool) -> sqlite3.Connection:
    database = sqlite3.connect(path, timeout=timeout, isolation_level=None, check_same_thread=False)
    try:
        with _legible():
            # WAL: readers never wait for a writer, nor it for them. NORMAL: a commit outlives every kill of the
            # process; of a power cut it is FULL alone that spares the last ones, for a sync each.
            database.execute("PRAGMA journal_mode = WAL")
            database.execute(f"PRAGMA synchronous = {'FULL' if sync else 'NORMAL'}")
            database.execute(_TABLE)
    except BaseException:
        database.close()
        raise
    return database


def settle(database: sqlite3.Connection, timeout: float) -> None:
    """Move what is in a file's WAL into the file, which is whole by itself from then on.

    SQLite does that when the last process lets go of the file, and nobody knows when that is. Where somebody still
    reads the file after the timeout (in seconds), its end stays in the WAL until then.

    Args:
        database: to write the file, without a transaction; to be closed next.
        timeout: others wait for their turn meanwhile.
    """
    database.execute(f"PRAGMA busy_timeout = {math.ceil(1000 * timeout)}")
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()


def last(database: sqlite3.Connection) -> End | None:
    """Where the file's records end; None where it has none."""
    found = database.execute(LAST).fetchone()
    return End(*_numbered(found)) if found else None


@contextmanager
def reader(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection to read a file as it is now, whoever goes on writing it; texts come as bytes."""
    with closing(_opened(path)) as database:
        yield database


def rows(database: sqlite3.Connection) -> Iterator[Row]:
    """The file's records, in their order; none where a kill came before its first."""
    if _begun(database):
        for found in database.execute("SELECT number, record, hash FROM records ORDER BY number"):
            yield _numbered(found)


def _opened(path: Path) -> sqlite3.Connection:
    # SQLite makes files beside the one it reads; what lies on a disk that can't be written is written by nobody else.
    for how in ("mode=ro", "mode=ro&immutable=1"):
        database = sqlite3.connect(f"file:{quote(str(path))}?{how}", uri=True, isolation_level=None, timeout=60.0)
        database.text_factory = bytes
        try:
            with _legible():
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


def row(database: sqlite3.Connection, number: int) -> Row | None:
    """One of the file's records; None where it is not there."""
    found: Row | None = database.execute(_ONE, (number,)).fetchone() if _begun(database) else None
    return found


def latest(database: sqlite3.Connection, event: str) -> Iterator[bytes]:
    """The file's records of an event, the newest first, and perhaps others."""
    # Records are canonical JSON: a text that holds this has other quotes in it.
    for (data,) in database.execute(_HOLDING, (f'"event":"{event}"',)) if _begun(database) else ():
        yield data


def _begun(database: sqlite3.Connection) -> bool:
    """Whether a file has its table: a kill may come before."""
    return bool(database.execute("SELECT 1 FROM sqlite_master WHERE name = 'records'").fetchone())


@contextmanager
def _legible() -> Iterator[None]:
    """SQLite quotes a damaged table's definition in its error; Python can't decode it then, and says only that."""
    try:
        yield
    except UnicodeDecodeError as error:
        raise sqlite3.DatabaseError("the definition of its table is damaged") from error


def _numbered(found: tuple[Any, ...]) -> Any:
    """A row whose first value is a number, as in every table that _TABLE made."""
    if not isinstance(found[0], int):
        raise sqlite3.DatabaseError("the definition of its table was changed: records have no numbers")
    return found
