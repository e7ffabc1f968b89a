"""The URL of a log in PostgreSQL: libpq's, and the schema."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

import psycopg
from psycopg.conninfo import conninfo_to_dict

from zoo.errors import BadInput

SCHEMA = "zoo_audit"
_NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}")


def parsed(url: str) -> tuple[dict[str, Any], str]:
    """libpq's settings and the schema that a URL names; raises BadInput."""
    base, _, query = url.partition("?")
    pairs = parse_qsl(query, keep_blank_values=True)
    schema = dict(pairs).get("schema", SCHEMA)
    rest = urlencode([pair for pair in pairs if pair[0] != "schema"], quote_via=quote)
    fix = "Write postgresql://user@host:port/database?schema=name."
    if not _NAME.fullmatch(schema):
        raise BadInput(f"{schema!r} is no schema for an audit log: small letters, digits and _.", fix=fix)
    try:
        return dict(conninfo_to_dict(f"{base}?{rest}" if rest else base)), schema
    except psycopg.Error:  # it tells parts of the URL, and one of them may be a password
        raise BadInput("The audit log's URL can't be read.", fix=fix) from None


def shown(settings: dict[str, Any], schema: str) -> str:
    """A database in words, without what is secret."""
    user = f"{settings['user']}@" if "user" in settings else ""
    port = f":{settings['port']}" if "port" in settings else ""
    named = "" if schema == SCHEMA else f"?schema={schema}"
    return f"postgresql://{user}{settings.get('host', '')}{port}/{settings.get('dbname', '')}{named}"
