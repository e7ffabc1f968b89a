"""The tables of a log in PostgreSQL, and who may do what to them.

Nobody changes or removes a record: triggers refuse it to everybody, and roles that only write (`zoo audit create
--writer`) have no right to, nor to take the triggers away. The owner of the tables and a superuser can do both; what
they do is found by `zoo audit verify`, as in a folder.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from psycopg import Connection
from psycopg.sql import SQL, Composable, Composed, Identifier

_ENCODING = "SELECT current_setting('server_encoding')"
_ALONE = "SELECT pg_advisory_xact_lock(hashtextextended('specialist-zoo ' || %s, 0))"
# By the catalogue itself, not by to_regclass, which may remember what there was before the lock was had.
_THERE = "SELECT EXISTS (SELECT FROM pg_catalog.pg_tables WHERE schemaname = %s AND tablename = 'head')"
_MAKE = """
CREATE SCHEMA IF NOT EXISTS {schema};
CREATE TABLE {schema}.records (
    number bigint PRIMARY KEY,
    file integer NOT NULL,
    record text NOT NULL,
    hash text NOT NULL
);
CREATE TABLE {schema}.head (
    alone boolean PRIMARY KEY DEFAULT true CHECK (alone),
    number bigint NOT NULL,
    hash text NOT NULL,
    file integer NOT NULL,
    bytes bigint NOT NULL,
    begun timestamptz NOT NULL
);
INSERT INTO {schema}.head VALUES (true, -1, repeat('0', 64), 0, 0, now());
CREATE FUNCTION {schema}.refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE insufficient_privilege USING MESSAGE = 'an audit log is added to; nothing in it is changed or removed';
END
$$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {schema}.records
    FOR EACH STATEMENT EXECUTE FUNCTION {schema}.refuse();
CREATE TRIGGER stays BEFORE DELETE OR TRUNCATE ON {schema}.head
    FOR EACH STATEMENT EXECUTE FUNCTION {schema}.refuse();
CREATE TRIGGER grows BEFORE UPDATE ON {schema}.head
    FOR EACH ROW WHEN (NEW.number <= OLD.number) EXECUTE FUNCTION {schema}.refuse();
"""
_WRITER = """
GRANT USAGE ON SCHEMA {schema} TO {role};
GRANT SELECT, INSERT ON {schema}.records TO {role};
GRANT SELECT, UPDATE ON {schema}.head TO {role};
"""
_READER = """
GRANT USAGE ON SCHEMA {schema} TO {role};
GRANT SELECT ON {schema}.records, {schema}.head TO {role};
"""


def there(connection: Connection[Any], schema: str) -> bool:
    """Whether a schema holds a log."""
    found = connection.execute(_THERE, (schema,)).fetchone()
    return bool(found and found[0])


def encoding(connection: Connection[Any]) -> str:
    """What the database keeps texts in: it must be UTF8."""
    found = connection.execute(_ENCODING).fetchone()
    return str(found[0]) if found else ""


def make(connection: Connection[Any], schema: str) -> None:
    """Make a log's tables where they are missing; within a transaction."""
    connection.execute(_ALONE, (schema,))
    if not there(connection, schema):
        connection.execute(_filled(_MAKE, schema))


def grant(connection: Connection[Any], schema: str, writers: Sequence[str], readers: Sequence[str]) -> None:
    """Let roles add records, or only read them; within a transaction of the tables' owner."""
    for statement, roles in ((_WRITER, writers), (_READER, readers)):
        for role in roles:
            connection.execute(_filled(statement, schema, role=Identifier(role)))


def _filled(statement: str, schema: str, **names: Composable) -> Composed:
    return SQL(statement).format(schema=Identifier(schema), **names)  # type: ignore[arg-type]
