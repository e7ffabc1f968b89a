"""Specialists and hubs for the tests: made once, copied where a test changes them."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import tiny
from database import postgres, url, way
from hub_server import HubServer
from npm import npm

__all__ = ["npm", "postgres", "url", "way"]  # fixtures of every test


@pytest.fixture(autouse=True)
def _own_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("ZOO_HUB", "ZOO_TOKEN", "HF_ENDPOINT", "HF_HUB_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))


@pytest.fixture(scope="session")
def specialist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A specialist's folder, not to be changed."""
    return tiny.make(tmp_path_factory.mktemp("specialist") / "finance")


@pytest.fixture
def copy(specialist: Path, tmp_path: Path) -> Path:
    """A specialist's folder of the test's own."""
    return Path(shutil.copytree(specialist, tmp_path / "copy"))


@pytest.fixture
def publish(specialist: Path) -> Callable[..., Path]:
    """publish(root, name, version): put the tiny specialist into a folder hub under that name."""

    def put(root: Path, name: str, version: str) -> Path:
        place = root / name / version
        shutil.copytree(specialist, place)
        return tiny.seal(place, name=name, version=version)

    return put


@pytest.fixture
def hub(tmp_path: Path, publish: Callable[..., Path]) -> Path:
    """A folder hub: finance/sentiment 1.0.0, 1.2.0, 1.10.0, 2.0.0 and support/intent 1.0.0."""
    for version in ("1.0.0", "1.2.0", "1.10.0", "2.0.0"):
        publish(tmp_path / "hub", "finance/sentiment", version)
    publish(tmp_path / "hub", "support/intent", "1.0.0")
    return tmp_path / "hub"


@pytest.fixture
def server(hub: Path) -> Iterator[HubServer]:
    """The same over the Hugging Face Hub's protocol."""
    with HubServer(hub, namespace="bank") as running:
        yield running
