"""A schedule builds, people answer in a browser, production drifts, a schedule refreshes: all that runs unattended."""

from __future__ import annotations

import dataclasses
import json
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from factory.files import read_json
from factory.publish.hub import open_hub
from factory.review import waiting
from factory.row import read_rows
from factory.services.argilla.server import ArgillaServer
from factory.services.prefect import PrefectServer
from factory.services.process import free_port
from factory.services.watch import WatchServer
from factory.settings import CHECKOUT
from tests import shop
from tests.flows.world import World
from tests.review.browser_person import Person
from tests.shop import label_of
from zoo.yanked import given

pytestmark = pytest.mark.real

SMALL = {"generate": 12, "label": 12, "judge": 12, "review": 4, "measure_teacher": 12, "epochs": 1}
EVERY_MINUTE = [{"cron": "* * * * *"}]


@pytest.fixture
def unattended(world: World, tmp_path: Path) -> Iterator[World]:
    """The same teacher and gold rows, a home of its own, and an Argilla in it."""
    home = tmp_path / "home"
    home.mkdir()
    (home / "weights").symlink_to(world.settings.weights.resolve())
    ports = {name: free_port() for name in ("argilla_port", "prefect_port", "watch_port", "worker_port")}
    own = dataclasses.replace(world.settings, home=home, hub=str(home / "hub"), review="argilla", **ports)
    changed = {
        "FACTORY_HOME": str(home),
        "FACTORY_HUB": own.hub,
        "FACTORY_REVIEW": "argilla",
        "FACTORY_SIMULATE_REVIEW": "0",
        **{f"FACTORY_{name.upper()}": str(port) for name, port in ports.items()},
    }
    made = dataclasses.replace(world, settings=own, prefect=PrefectServer(own), environment=world.environment | changed)
    yield made
    for server in (WatchServer(own), ArgillaServer(own), made.prefect):
        server.stop()


def test_what_runs_unattended(unattended: World, tmp_path: Path, page: Any) -> None:
    world, log = unattended, tmp_path / "log"
    budgets = {"quick": SMALL, "full": SMALL}
    spec = world.specialist("test/unattended", review="required", budgets=budgets)
    worker = schedules(world, tmp_path / "build.yaml", "build", names=[spec])
    try:
        until("people are asked", lambda: bool(waiting.everything(world.settings.home)))
        assert answer(world, spec, page, tmp_path / "shots") == 4
        until("1.0.0 is published", lambda: versions(world, spec) == ["1.0.0"])
    finally:
        end(worker)
    own = [run for run in world.runs(spec) if run["name"] == f"{spec} quick"]
    assert sum("Suspended" in states(world, run) for run in own) == 1  # one run, however often it was asked for

    production(world, spec, log)
    worker = schedules(world, tmp_path / "refresh.yaml", "nightly", spec=spec, logs=[str(log)])
    try:
        until("people are asked again", lambda: bool(waiting.everything(world.settings.home)))
        answer(world, spec, page, tmp_path / "shots")
        until("1.1.0 is published", lambda: versions(world, spec) == ["1.0.0", "1.1.0"])
        until("the refresh knows", lambda: became(world, spec)[:1] == ["1.1.0 is published"])
        until("a later one has nothing to do", lambda: became(world, spec)[1:2] == [""])
    finally:
        end(worker)


def schedules(world: World, file: Path, deployment: str, **parameters: Any) -> subprocess.Popen[str]:
    """Deploy what prefect.yaml declares, this deployment for every minute and no other, and work."""
    declared = yaml.safe_load((CHECKOUT / "prefect.yaml").read_text())
    for one in declared["deployments"]:
        one["schedules"] = []
    (own,) = (one for one in declared["deployments"] if one["name"] == deployment)
    own |= {"parameters": {"budget": "quick", **parameters}, "schedules": EVERY_MINUTE}
    file.write_text(yaml.safe_dump(declared))
    with file.with_suffix(".log").open("w") as out:
        return subprocess.Popen(
            [sys.executable, "-m", "flows.schedules", "--file", str(file)],
            cwd=CHECKOUT,
            env=world.environment,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            text=True,
        )


def end(worker: subprocess.Popen[str]) -> None:
    """As a service manager ends it."""
    worker.send_signal(signal.SIGTERM)
    try:
        worker.wait(60)
    except subprocess.TimeoutExpired:
        worker.kill()
        worker.wait()


def answer(world: World, spec: str, page: Any, shots: Path) -> int:
    """A person gives every row that is waited for its label, in the browser; returns how many."""
    (waits,) = waiting.everything(world.settings.home)
    kept = (world.settings.builds / spec / "clean").glob("[!.]*/kept.jsonl")
    dropped = (world.settings.builds / spec / "clean").glob("[!.]*/dropped.jsonl")
    texts = {row.id: row.text for file in (*kept, *dropped) for row in read_rows(file) if row.id in waits.rows}
    person = Person(page, ArgillaServer(world.settings), waits.where, shots)
    for _ in waits.rows:
        row_id = person.read(texts)
        text = texts.pop(row_id)
        if not page.locator(".label-active").get_by_text(label_of(text), exact=True).count():
            person.choose(label_of(text))
        person.submit(text)
    assert not person.failures
    return len(waits.rows)


def production(world: World, spec: str, log: Path) -> None:
    """Ninety questions about what no row is about."""
    import zoo

    texts = [f"{shop.OTHER[number % 5]} number {number} please, and quickly" for number in range(90)]
    with zoo.AuditLog(log, keep_text=True) as kept:
        zoo.audited(zoo.load(spec, hub=world.settings.hub), kept).predict(texts)


def versions(world: World, spec: str) -> list[str]:
    return [str(version) for version in sorted(given(open_hub(world.settings.hub), spec))]


def became(world: World, spec: str) -> list[str]:
    """What came of each refresh so far."""
    files = sorted((world.settings.home / "refresh" / spec).glob("2*.json"))
    return [read_json(file)["became"] for file in files]


def states(world: World, run: dict[str, Any]) -> list[str]:
    """Names of the states that a run has been in."""
    with urllib.request.urlopen(f"{world.prefect.url}/api/flow_run_states/?flow_run_id={run['id']}") as answered:
        return [state["name"] for state in json.load(answered)]


def until(what: str, happened: Callable[[], bool], seconds: float = 600.0) -> None:
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, what
        time.sleep(0.5)
