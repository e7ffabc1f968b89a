"""What the disk and SQLite say when they refuse, in words that a person can act on."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from zoo.errors import BrokenLog, Unrecorded

_ROOM = "Free some space. To answer all the same, open the log with on_trouble='shed'; to wait, with 'block'."
_ACCESS = "Give this user write access to the folder and the files in it, or choose another folder."
BROKEN = "Find out what it lacks with `zoo audit verify`, keep it as evidence, and begin a log in another place."


def busy(where: str, seconds: float) -> Unrecorded:
    """The error of a turn that did not come."""
    return Unrecorded(
        f"The audit log is held by others: no turn to write came in {seconds:g} seconds.",
        where=where,
        fix="See whether the disk is slow; or give a longer timeout, or more texts to one call of predict.",
    )


@contextmanager
def explained(where: str, seconds: float) -> Iterator[None]:
    """Turn what the operating system or SQLite says into Unrecorded, or BrokenLog where the log itself is at fault."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise Unrecorded("The audit log's disk is full.", where=where, fix=_ROOM) from error
        raise Unrecorded(f"The audit log can't be written: {error}.", where=where, fix=_ACCESS) from error
    except sqlite3.DatabaseError as error:
        code = code_of(error)
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise busy(where, seconds) from error
        if code == sqlite3.SQLITE_FULL:
            raise Unrecorded("The audit log's disk is full.", where=where, fix=_ROOM) from error
        if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_IOERR):
            # Of a full disk SQLite may say any of the last two.
            fix = f"See that the disk has room and is sound. {_ACCESS}"
            raise Unrecorded(f"The audit log can't be written: {error}.", where=where, fix=fix) from error
        raise BrokenLog(f"The audit log is damaged: {error}.", where=where, fix=BROKEN) from error


def code_of(error: sqlite3.DatabaseError) -> int:
    """SQLite's primary result code; SQLITE_ERROR of what Python's module says by itself."""
    return int(getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)) & 0xFF


@contextmanager
def readable(where: str) -> Iterator[None]:
    """Turn what is said when a log can't be read into BrokenLog."""
    try:
        yield
    except (OSError, sqlite3.DatabaseError) as error:
        raise BrokenLog(f"The audit log can't be read: {error}.", where=where, fix=BROKEN) from error
