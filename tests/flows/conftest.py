"""A FACTORY_HOME with a small specialist, a loopback teacher that knows its labels, and a Prefect server."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from factory import settings
from factory.services.prefect import PrefectServer
from factory.services.process import free_port
from factory.services.watch import WatchServer
from factory.teacher import weights
from tests import shop, tiny_encoder
from tests.flows.world import World
from tests.shop import Teacher


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    base = tmp_path_factory.mktemp("flows")
    usual = settings.load()
    weights.resolve("all-minilm-l6-v2", usual)  # once for all tests, where the application looks for it
    home = base / "home"
    home.mkdir()
    (home / "weights").symlink_to(usual.weights)
    teacher = Teacher()
    variables = {
        "FACTORY_HOME": str(home),
        "FACTORY_PROMPTS": str(base / "prompts"),
        "FACTORY_GOLD": str(base / "gold"),
        "FACTORY_TEACHER_URL": teacher.server.url,
        "FACTORY_REVIEW": "jsonl",
        "FACTORY_PREFECT_PORT": str(free_port()),
        "FACTORY_WATCH_PORT": str(free_port()),
        "FACTORY_HUB": str(home / "hub"),
        "OMP_NUM_THREADS": "1",
    }
    (base / "prompts").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in variables.items():
            patch.setenv(name, value)
        own = settings.load()
    encoder = tiny_encoder.make(base / "tiny-encoder", shop.every_text(), hidden=128)
    # Words can be told apart by its vectors as they are; adapters of so few rows learn now this, now that. That it is
    # trained anew, part by part, to be calibrated is no matter of flows, and would be most of a build's time.
    student = {"encoder": str(encoder), "recipe": "frozen", "folds": 0}
    made = World(own, teacher, PrefectServer(own), os.environ | variables, student)
    made.prefect.start(timeout=600.0)  # a database is made, perhaps on a busy machine
    yield made
    WatchServer(own).stop()
    made.prefect.stop()
    teacher.stop()
