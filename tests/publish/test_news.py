"""What is published is answered by the zoo's service and shown by the site at once, and what is yanked is neither."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from factory import settings
from factory.publish.folder_hub import FolderHub
from factory.publish.yank import yank
from factory.services import news
from factory.services.process import free_port
from factory.services.zoo import ZooServer
from factory.settings import Settings

pytestmark = pytest.mark.real


@pytest.fixture
def where(tmp_path: Path) -> Iterator[Settings]:
    """A factory whose hub is not there yet, and the zoo's service over it."""
    places = {"home": tmp_path / "home", "hub": str(tmp_path / "home" / "hub")}
    where = replace(settings.load(), **places, zoo_port=free_port(), audit_texts=True)
    ZooServer(where).start()
    yield where
    ZooServer(where).stop()


def ask(where: Settings, path: str, **body: Any) -> Any:
    """What the service answers."""
    request = urllib.request.Request(f"{ZooServer(where).url}/v1/specialists{path}")
    if body:
        request.data = json.dumps(body).encode()
        request.add_header("Content-Type", "application/json")
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


def served(where: Settings, *versions: str) -> bool:
    """Whether these versions come to be the ones that are served."""
    deadline = time.monotonic() + 60
    while [one["version"] for one in ask(where, "")["specialists"]] != list(versions):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def test_from_an_empty_hub_to_a_version_and_the_next(where: Settings, packed: Callable[..., Path]) -> None:
    assert served(where)
    FolderHub(Path(where.hub)).publish(packed())
    news.tell(where)
    assert served(where, "1.0.0")
    answer = ask(where, "/test/mood/predict", text="a glad note")
    assert answer["answers"][0]["label"] in ("sad", "glad", "calm")
    FolderHub(Path(where.hub)).publish(packed("1.1.0", weights=b"others"))
    news.tell(where)
    assert served(where, "1.1.0")
    yank("test/mood@1.1.0", "it was wrong", where)
    news.tell(where)
    assert served(where, "1.0.0")
    assert any(where.audit.iterdir()), "the decision is in the log"


def test_what_does_not_run_is_not_told(tmp_path: Path) -> None:
    news.tell(replace(settings.load(), home=tmp_path))
    assert not list(tmp_path.iterdir())
