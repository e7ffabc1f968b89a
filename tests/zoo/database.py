"""A PostgreSQL for the audit log's tests, and a database of it for each."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import pytest

from tests.cut import Way
from tests.postgres import Server, served

_NUMBERS = count()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """A server with the roles owner, app and auditor."""
    with served() as server:
        server.execute("CREATE ROLE app LOGIN; CREATE ROLE auditor LOGIN")
        yield server


@pytest.fixture
def url(postgres: Server) -> str:
    """Of an empty database of the test's own."""
    name = f"log{next(_NUMBERS)}"
    postgres.execute(f"CREATE DATABASE {name}")
    return postgres.url(name)


@pytest.fixture
def way(postgres: Server) -> Iterator[Way]:
    """To the server, by a port."""
    way = Way(postgres.socket)
    yield way
    way.close()
