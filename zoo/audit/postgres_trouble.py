"""What PostgreSQL and the way to it say when they refuse, in words that a person can act on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import errors

from zoo.audit.trouble import BROKEN, busy
from zoo.errors import BrokenLog, Unrecorded

_REACH = (
    "See that the server runs and lets this role in. To answer all the same, open the log with on_trouble='shed'; "
    "to wait, with 'block'."
)
_GRANT = "Let the tables' owner run `zoo audit create URL --writer ROLE`, or let this role make them."
_ROOM = "Make room on the server. To answer all the same, open the log with on_trouble='shed'; to wait, with 'block'."


@contextmanager
def explained(where: str, seconds: float) -> Iterator[None]:
    """Turn what PostgreSQL says into Unrecorded, or BrokenLog where the log itself is at fault."""
    try:
        yield
    except psycopg.Error as error:
        raise _said(error, where, seconds) from error


def _said(error: psycopg.Error, where: str, seconds: float) -> Unrecorded | BrokenLog:
    if isinstance(error, errors.LockNotAvailable):
        return busy(where, seconds)
    if isinstance(error, errors.DiskFull):
        return Unrecorded("The audit log's disk is full.", where=where, fix=_ROOM)
    if isinstance(error, errors.InsufficientPrivilege):
        return Unrecorded(f"The audit log may not be written: {line(error)}.", where=where, fix=_GRANT)
    if isinstance(error, psycopg.OperationalError | errors.ReadOnlySqlTransaction):
        return Unrecorded(f"The audit log's database can't be reached: {line(error)}.", where=where, fix=_REACH)
    return BrokenLog(f"The audit log is damaged: {line(error)}.", where=where, fix=BROKEN)


@contextmanager
def readable(where: str) -> Iterator[None]:
    """Turn what is said when a log can't be read into BrokenLog."""
    try:
        yield
    except psycopg.Error as error:
        raise BrokenLog(f"The audit log can't be read: {line(error)}.", where=where, fix=_REACH) from error


def line(error: psycopg.Error) -> str:
    """An error's first line, without the full stop: the others are hints and places in statements."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0].rstrip(".")
