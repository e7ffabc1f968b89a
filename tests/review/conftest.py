"""A small spec and, for the tests marked real, an Argilla of their own."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest
from review_specs import make_spec

from factory import settings
from factory.services.argilla.server import ArgillaServer
from factory.services.process import free_port
from factory.spec import Spec


@pytest.fixture
def spec(tmp_path: Path) -> Spec:
    return make_spec(tmp_path / "spec", {"lost": "A card is gone.", "fee": "A charge is disputed.", "pin": "The PIN."})


@pytest.fixture(scope="session")
def own_settings(tmp_path_factory: pytest.TempPathFactory) -> settings.Settings:
    home = tmp_path_factory.mktemp("argilla")
    return dataclasses.replace(settings.load(), home=home, argilla_url="", argilla_key="", argilla_port=free_port())


@pytest.fixture(scope="session")
def argilla(own_settings: settings.Settings) -> Iterator[ArgillaServer]:
    server = ArgillaServer(own_settings)
    server.start()
    yield server
    server.stop()
