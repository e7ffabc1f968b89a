"""`make soak`: a build killed ten times gives the dataset that an unkilled one gives, and pays for no reply twice.

Takes about ten minutes; no part of `make test`.
"""

from __future__ import annotations

import dataclasses
import random
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from factory.files import read_json
from factory.services.prefect import PrefectServer
from factory.services.process import free_port
from tests.flows.world import World

KILLS = 10
IN_FLIGHT = 8
SECONDS = (4.0, 30.0)  # after which a build is killed, drawn anew each time


@pytest.fixture
def other(world: World, tmp_path: Path) -> Iterator[World]:
    """The same specialists, gold rows and teacher with a FACTORY_HOME that holds nothing."""
    home, port = tmp_path / "home", free_port()
    home.mkdir()
    (home / "weights").symlink_to(world.settings.weights.resolve())
    changed = {"FACTORY_HOME": str(home), "FACTORY_HUB": str(home / "hub"), "FACTORY_PREFECT_PORT": str(port)}
    own = dataclasses.replace(world.settings, home=home, hub=str(home / "hub"), prefect_port=port)
    yield dataclasses.replace(world, settings=own, prefect=PrefectServer(own), environment=world.environment | changed)
    PrefectServer(own).stop()


def test_ten_kills_change_nothing(world: World, other: World) -> None:
    budget = {"generate": 240, "label": 30, "judge": 120, "review": 30, "measure_teacher": 0, "epochs": 4}
    teacher = {"model": "loopback", "rows_per_request": 4, "concurrency": IN_FLIGHT}
    spec = world.specialist("test/soak", budgets={"quick": budget, "full": budget}, teacher=teacher)
    world.teacher.server._delay = 1.5  # so that most kills come while replies are awaited
    whole = world.run(spec)
    assert whole.returncode == 0, whole.stdout
    paid = len(world.teacher.asked)

    moments = random.Random(7)
    struck = []
    while len(struck) < KILLS:
        build = other.start(spec)
        # Every other kill waits for requests, and comes while replies are awaited; the rest come at any time.
        waited = len(struck) % 2 == 0
        enough = len(world.teacher.asked) + (moments.randint(3, 20) if waited else 10**9)
        end = time.monotonic() + (120.0 if waited else moments.uniform(*SECONDS))
        while build.poll() is None and time.monotonic() < end and len(world.teacher.asked) < enough:
            time.sleep(0.02)
        if build.poll() is not None:
            assert build.returncode == 0, build.communicate()[0]
            break  # it came to its end between two kills
        build.send_signal(signal.SIGKILL)
        said, _ = build.communicate()
        stages = re.findall(r"\[\d+/\d+\] (\w+)", said)
        struck.append(f"{stages[-1] if stages else 'start'}, {world.teacher.server._now} replies awaited")
    print("killed in", *struck, sep="\n  ")
    ended = other.run(spec)
    assert ended.returncode == 0, ended.stdout
    assert hashes(other, spec) == hashes(world, spec)
    again = len(world.teacher.asked) - 2 * paid
    print(f"{paid} requests without a kill; {again} more with {len(struck)}, {again / len(struck):.1f} a kill")
    # The latency probe asks a few requests without the cache, whenever it starts anew.
    assert 0 <= again <= len(struck) * (IN_FLIGHT + 10)
    assert len(struck) == KILLS
    assert again > 0, "no kill came while replies were awaited: this run has shown nothing about them"


def hashes(world: World, spec: str) -> set[str]:
    """Hashes of the dataset versions that were made."""
    return {read_json(file)["hash"] for file in (world.settings.builds / spec / "dataset").glob("*/manifest.json")}
