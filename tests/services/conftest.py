"""An Argilla of these tests' own."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import pytest

from factory import settings
from factory.services.argilla.server import ArgillaServer
from factory.services.process import free_port


@pytest.fixture(scope="session")
def own_settings(tmp_path_factory: pytest.TempPathFactory) -> settings.Settings:
    home = tmp_path_factory.mktemp("services")
    return dataclasses.replace(settings.load(), home=home, argilla_url="", argilla_key="", argilla_port=free_port())


@pytest.fixture(scope="session")
def argilla(own_settings: settings.Settings) -> Iterator[ArgillaServer]:
    server = ArgillaServer(own_settings)
    server.start()
    yield server
    server.stop()
