"""A log in a PostgreSQL database: a table of records, and a row that tells how many there must be.

    zoo.AuditLog("postgresql://app@db.example.com/audit")           # schema zoo_audit; another one: ...?schema=intent

**The URL** is libpq's (several hosts, sslmode, ...), and so are its environment variables and ~/.pgpass, where a
password belongs: command lines are seen by others. `schema` is ours: a schema holds a log.

**Turns** are taken by locking the row of the head, so records are added by one writer at a time, whatever machine it is
on. Records and head are one transaction. It waits for the server's disk, even where the server was told not to.

**A lost connection.** One that was lost between two calls is made anew. If it is lost while records are being added,
a new one asks whether they are there: the head's lock is had only once the old transaction has ended, so the answer is
final. Where that can't be asked within the timeout, the log's `on_trouble` says what follows, and `block` asks later.
A writer that vanishes with its machine keeps the others waiting for a minute at most.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

import psycopg
from psycopg import Connection, IsolationLevel
from psycopg.sql import SQL, Composed, Identifier

from zoo.audit import files, postgres_schema
from zoo.audit.head import Head
from zoo.audit.postgres_trouble import explained, line, readable
from zoo.audit.postgres_url import parsed, shown
from zoo.audit.record import End, Record
from zoo.audit.storage import Rotation, Row, Snapshot, Unsettled
from zoo.errors import BrokenLog, Unrecorded

_PATIENCE = 60  # seconds after which the server ends a transaction whose writer says nothing more
_HOW = (
    "SELECT set_config('lock_timeout', %s, true), set_config('idle_in_transaction_session_timeout', %s, true),"
    " set_config('synchronous_commit', CASE current_setting('synchronous_commit') WHEN 'off' THEN 'on'"
    " ELSE current_setting('synchronous_commit') END, true)"
)
_HEAD = "SELECT number, hash, file, bytes, begun FROM {schema}.head"
_LAST = "SELECT number, hash FROM {schema}.records ORDER BY number DESC LIMIT 1"
_ADD = "INSERT INTO {schema}.records (number, file, record, hash) VALUES (%s, %s, %s, %s)"
_GO_ON = "UPDATE {schema}.head SET number = %s, hash = %s, file = %s, bytes = %s, begun = %s"
_ROWS = "SELECT file, number, record, hash FROM {schema}.records ORDER BY number"
_ONE = "SELECT number, record, hash FROM {schema}.records WHERE number = %s"
_HOLDING = "SELECT record FROM {schema}.records WHERE position(%s IN record) > 0 ORDER BY number DESC"


class Postgres:
    """A log's schema; see zoo.audit.storage.Storage.

    Args:
        url: postgresql://...
        rotation: when a file is followed by another: records have a number in common, so that old ones can be told.
        timeout: seconds to wait for a connection, and for a turn.

    Raises:
        BadInput: the URL can't be read.
    """

    folder: Path | None = None

    def __init__(self, url: str, rotation: Rotation, *, timeout: float) -> None:
        self._settings, self._schema = parsed(url)
        self.where = shown(self._settings, self._schema)
        self._rotation, self._timeout = rotation, timeout
        self._parents: list[Connection[Any] | None] = []
        self._connection: Connection[Any] | None = None

    def create(self) -> None:
        """Make the tables, where they are missing and this role may."""
        with explained(self.where, self._timeout):
            connection = self._begun(time.monotonic() + self._timeout)
            if not postgres_schema.there(connection, self._schema):
                if (found := postgres_schema.encoding(connection)) != "UTF8":
                    fix = "Make a database for it: createdb --encoding UTF8 --template template0 NAME"
                    raise Unrecorded(f"The database keeps {found}, not every text.", where=self.where, fix=fix)
                postgres_schema.make(connection, self._schema)
            connection.commit()

    def grant(self, writers: Sequence[str], readers: Sequence[str]) -> None:
        """Let roles add records, or only read them; raises Unrecorded where this role is not the tables' owner."""
        with explained(self.where, self._timeout):
            connection = self._begun(time.monotonic() + self._timeout)
            postgres_schema.grant(connection, self._schema, writers, readers)
            connection.commit()

    def check(self) -> None:
        """See that the schema is a log."""
        with readable(self.where), self._reading() as connection:
            if not postgres_schema.there(connection, self._schema):
                fix = "Give the URL that zoo.AuditLog or `zoo serve --audit` was given."
                raise BrokenLog("There is no audit log here.", where=self.where, fix=fix)

    @contextmanager
    def turn(self, until: float) -> Iterator[Turn]:
        """Take turns with everybody else by the head's lock."""
        with explained(self.where, self._timeout):
            try:
                connection = self._begun(until)
                found = connection.execute(self._sql(_HEAD + " FOR UPDATE")).fetchone()
                # By a statement of its own: one sees what was committed before it began, and that one had to wait.
                last = connection.execute(self._sql(_LAST)).fetchone()
                end = End(*last) if last else End()
                if found is None:
                    yield Turn(self, None, end, None, 0, 0, datetime.now(UTC))
                    return
                number, hash, file, size, begun = found
                head = Head(End(number, hash), End(number, hash))
                if file and not self._is_full(size, begun):
                    yield Turn(self, head, end, None, file, size, begun)
                else:
                    opens = (files.name(file + 1), files.name(file) if file else "")
                    yield Turn(self, head, end, opens, file + 1, 0, datetime.now(UTC))
            except BaseException:
                self.close()  # whatever state it is in; the next turn begins anew
                raise

    def add(self, records: Sequence[Record], turn: Turn) -> None:
        """Add records, for whoever has the turn."""
        connection = self._connection
        if connection is None:
            raise AssertionError("a turn has opened it")
        last = records[-1].end
        rows = [(one.end.number, turn.file, one.text, one.end.hash) for one in records]
        size = turn.size + sum(len(one.text.encode()) + len(one.end.hash) for one in records)
        try:
            with connection.cursor() as cursor:
                cursor.executemany(self._sql(_ADD), rows)
                cursor.execute(self._sql(_GO_ON), (last.number, last.hash, turn.file, size, turn.begun))
            connection.commit()
        except psycopg.OperationalError as error:  # whether the server refused or the way to it ended: ask it
            self._settle(records, error)

    def holds(self, records: Sequence[Record], until: float) -> bool:
        """Whether records are there, which is told by a connection of its own, and when the head can be locked."""
        with explained(self.where, self._timeout):
            try:
                connection = self._begun(until)
                connection.execute(self._sql(_HEAD + " FOR UPDATE"))
                found = connection.execute(self._sql(_ONE), (records[-1].end.number,)).fetchone()
                connection.rollback()
            except BaseException:
                self.close()
                raise
            return found is not None and found[2] == records[-1].end.hash

    def close(self) -> None:
        """Let go of the connection."""
        if self._connection is not None:
            with suppress(psycopg.Error):
                self._connection.close()
        self._connection = None

    def forked(self) -> None:
        """Keep the parent's connection from being used or closed."""
        self._parents.append(self._connection)
        self._connection = None

    def row(self, number: int) -> Row | None:
        """One record of the table."""
        with readable(self.where), self._reading() as connection:
            found = connection.execute(self._sql(_ONE), (number,)).fetchone()
            return (found[0], found[1].encode(), found[2].encode()) if found else None

    def rows(self) -> Iterator[Row]:
        """The table's records, as it is when the first is asked for."""
        with readable(self.where), self._reading() as connection:
            for _, *row in self._streamed(connection, _ROWS):
                yield _stored(row)

    def latest(self, event: str) -> Iterator[bytes]:
        """Records of an event, the newest first."""
        with readable(self.where), self._reading() as connection:
            for (record,) in self._streamed(connection, _HOLDING, (f'"event":"{event}"',)):
                yield record.encode()

    @contextmanager
    def snapshot(self) -> Iterator[Snapshot]:
        """Head and table as one transaction sees them."""
        with readable(self.where), self._reading() as connection:
            found = connection.execute(self._sql(_HEAD)).fetchone()
            end = End(*found[:2]) if found else End()
            grouped = groupby(self._streamed(connection, _ROWS), key=itemgetter(0))
            rows = ((files.name(file), (_stored(row) for _, *row in some)) for file, some in grouped)
            yield Snapshot(Head(end, end) if found else None, rows)

    def _begun(self, until: float) -> Connection[Any]:
        """A connection in a transaction; a new one where the one there was has been lost since."""
        seconds = max(0.001, until - time.monotonic())
        waits = (f"{round(seconds * 1000)}ms", f"{round(_PATIENCE * 1000)}ms")
        if self._connection is not None:
            try:
                self._connection.execute(_HOW, waits)
                return self._connection
            except psycopg.OperationalError:
                self.close()
        self._connection = self._connected(IsolationLevel.READ_COMMITTED)
        self._connection.execute(_HOW, waits)
        return self._connection

    def _settle(self, records: Sequence[Record], error: psycopg.Error) -> None:
        """See what became of records whose connection was lost; returns where they are there."""
        self.close()
        try:
            there = self.holds(records, time.monotonic() + self._timeout)
        except Unrecorded as trouble:
            what = "The connection to the audit log was lost, and whether the last records were added can't be told"
            doubt = Unsettled(f"{what}: {line(error)}.", where=self.where, fix=trouble.fix)
            doubt.records = records
            raise doubt from error
        if not there:
            raise error

    def _connected(self, level: IsolationLevel) -> Connection[Any]:
        # Connections that a firewall forgot are noticed within the timeout, too. What the URL says comes first.
        seconds = max(2, round(self._timeout))
        noticed = {"connect_timeout": seconds, "keepalives_idle": seconds, "keepalives_interval": seconds}
        noticed |= {"keepalives_count": 2, "tcp_user_timeout": 1000 * seconds}
        names = {"application_name": "specialist-zoo audit", "client_encoding": "utf8"}
        connection = psycopg.connect(**{**noticed, **names, **self._settings}, prepare_threshold=None)
        connection.isolation_level = level
        return connection

    @contextmanager
    def _reading(self) -> Iterator[Connection[Any]]:
        """A connection of its own that sees one moment and writes nothing."""
        connection = self._connected(IsolationLevel.REPEATABLE_READ)
        try:
            connection.read_only = True
            yield connection
        finally:
            connection.close()

    def _streamed(self, connection: Connection[Any], what: str, values: Sequence[Any] = ()) -> Iterator[Any]:
        """Rows as they come, a few thousand at a time."""
        with connection.cursor(name="zoo_audit") as cursor:
            cursor.itersize = 5000
            yield from cursor.execute(self._sql(what), values)

    def _sql(self, statement: str) -> Composed:
        return SQL(statement).format(schema=Identifier(self._schema))  # type: ignore[arg-type]

    def _is_full(self, size: int, begun: datetime) -> bool:
        days = self._rotation.days
        too_old = days is not None and datetime.now(UTC) >= begun + timedelta(days=days)
        return size >= self._rotation.megabytes * 1e6 or too_old


@dataclass(frozen=True)
class Turn:
    """See zoo.audit.storage.Turn.

    Attributes:
        file: the number of the file that is written, from 1.
        size: bytes in it.
        begun: when it was.
    """

    log: Postgres
    head: Head | None
    last: End
    opens: tuple[str, str] | None
    file: int
    size: int
    begun: datetime

    def add(self, records: Sequence[Record], after: End) -> None:
        """Add records to the table."""
        self.log.add(records, self)


def _stored(row: Sequence[Any]) -> Row:
    return row[0], row[1].encode(), row[2].encode()
