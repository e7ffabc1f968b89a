"""Production drifts, people correct it, and a refresh publishes what that taught: on real parts but for the teacher."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

import zoo
from factory.dataset.version import open_version
from factory.feedback import decide
from factory.files import read_json
from factory.row import CORRECTED
from tests import shop
from tests.flows.heard import listening
from tests.flows.world import World
from zoo.yanked import given

pytestmark = pytest.mark.real

REFRESH = "import sys; from flows.refresh import main; sys.exit(main(sys.argv[1:]))"
SMALL = {"generate": 36, "label": 12, "judge": 30, "review": 30, "measure_teacher": 12, "epochs": 3}
CORRECTIONS = 24
SHIFTED = 270  # three times the usual ones before them, so that an encoder of random weights can tell, too


def usual(number: int) -> str:
    """A text like the gold rows."""
    return shop.text_of(list(shop.WORDS)[number % 3], 600 + number)


def other(number: int) -> str:
    """A text about the same in a tone that no row has."""
    words = shop.WORDS[list(shop.WORDS)[number % 3]]
    return f"{words[number // 3 % len(words)]} number {number} please, and quickly"


def production(
    world: World, spec: str, log: Path, texts: list[str], right: Callable[[str], str] = shop.label_of, among: int = 0
) -> None:
    """The newest version answers texts, and people say what is right of the first of them."""
    with zoo.AuditLog(log, keep_text=True) as kept:
        answers = zoo.audited(zoo.load(spec, hub=world.settings.hub), kept).predict(texts)
        for text, answer in zip(texts[:among], answers, strict=False):
            assert answer.id is not None
            kept.correct(answer.id, right(text), who="r-1")


def versions(world: World, spec: str) -> list[str]:
    """What the hub gives out, oldest first."""
    from factory.publish.hub import open_hub

    return [str(version) for version in sorted(given(open_hub(world.settings.hub), spec))]


def made(world: World, spec: str, stage: str) -> int:
    """How many finished folders of a stage there are."""
    return len(list((world.settings.builds / spec / stage).glob("[!.]*")))


def test_drift_is_found_learned_from_and_published_once(world: World, tmp_path: Path) -> None:
    spec = world.specialist("test/refreshed", budgets={"quick": SMALL, "full": SMALL})
    log = tmp_path / "log"
    first = world.run(spec)
    assert first.returncode == 0, first.stdout
    production(world, spec, log, [usual(number) for number in range(90)])
    calm = world.run(spec, "--log", str(log), code=REFRESH)
    assert calm.returncode == 0, calm.stdout
    assert "no build\n  - no drift was found, and 0 new answers of people are fewer than 50" in calm.stdout
    assert not (world.settings.home / "feedback" / spec / "reviewed.jsonl").exists()

    production(world, spec, log, [other(number) for number in range(SHIFTED)], among=CORRECTIONS)
    with listening() as (address, heard):
        told = dataclasses.replace(world, environment=world.environment | {"FACTORY_NOTIFY": address})
        struck = told.start(spec, "--log", str(log), code=REFRESH)
        until(lambda: made(world, spec, "clean") == 2)  # the build has begun
        for process in (psutil.Process(struck.pid), *psutil.Process(struck.pid).children(recursive=True)):
            process.kill()
        struck.communicate()
        assert decide.read_state(world.settings.home, spec).pending
        ended = told.run(spec, "--log", str(log), code=REFRESH)
    assert ended.returncode == 0, ended.stdout
    assert "going on: build\n  - drift: " in ended.stdout and f"texts in {log}" in ended.stdout
    assert versions(world, spec) == ["1.0.0", "1.1.0"]
    assert list(dict.fromkeys(one["title"] for one in heard)) == [
        f"{spec}@1.0.0: production has drifted",
        f"{spec}@1.1.0 is published",
    ]
    refreshes = world.ask("flow_runs/filter", flow_runs={"name": {"any_": [f"{spec} refresh"]}}, sort="START_TIME_ASC")
    assert [one["state_type"] for one in refreshes] == ["COMPLETED", "CRASHED", "COMPLETED"]
    assert (made(world, spec, "plan"), made(world, spec, "write")) == (1, 1)  # the teacher writes nothing anew

    manifest = zoo.load(spec, hub=world.settings.hub).manifest
    dataset = open_version(world.settings.home / "hub" / "datasets" / spec / manifest.lineage["dataset"])
    train, held = dataset.rows("train"), dataset.rows("held_out")
    corrected = [row for row in train if row.lineage.source.startswith(CORRECTED)]
    assert corrected and all((row.label, row.origin) == (shop.label_of(row.text), "reviewed") for row in corrected)
    assert not any(row.picked for row in held)
    assert sum(row.from_production for row in train if row.origin == "unlabelled") > 0

    asked = len(world.teacher.asked)
    again = world.run(spec, "--log", str(log), code=REFRESH)
    assert again.returncode == 0, again.stdout
    assert "no build\n  - nothing new could be tested for drift, and 0 new answers of people" in again.stdout
    assert len(world.teacher.asked) == asked and versions(world, spec) == ["1.0.0", "1.1.0"]
    records = [read_json(file) for file in sorted((world.settings.home / "refresh" / spec).glob("2*.json"))]
    assert [(one["rebuild"], one["became"]) for one in records] == [
        (False, ""),
        (True, "1.1.0 is published"),
        (False, ""),
    ]


def test_a_refresh_whose_gate_fails_says_why_not_and_is_done(world: World, tmp_path: Path) -> None:
    strict, limited = [{"at_least": 1.0}], SMALL | {"max_tokens": 1500}
    spec = world.specialist("test/refused", budgets={"quick": limited, "full": limited}, gate=strict)
    with listening() as (address, heard):
        told = dataclasses.replace(world, environment=world.environment | {"FACTORY_NOTIFY": address})
        forced = told.run(spec, "--force")
    assert forced.returncode == 0, forced.stdout
    assert {one["title"] for one in heard} == {f"{spec} has reached max_tokens"}
    production(world, spec, tmp_path / "log", [usual(number) for number in range(40)], lambda _: "money", CORRECTIONS)
    arguments = (spec, "--log", str(tmp_path / "log"), "--enough", str(CORRECTIONS))
    with listening() as (address, heard):
        told = dataclasses.replace(world, environment=world.environment | {"FACTORY_NOTIFY": address})
        ended = told.run(*arguments, code=REFRESH)
    assert ended.returncode == 3, ended.stdout
    assert heard[-1]["title"] == f"{spec}: publishing was refused"
    (file,) = (world.settings.home / "refresh" / spec).glob("2*.json")
    became = read_json(file)["became"]
    assert became.startswith(f"{spec} did not pass its gate, so nothing was published.\n  - ")
    assert versions(world, spec) == ["1.0.0"]
    again = world.run(*arguments, code=REFRESH)
    assert again.returncode == 0 and "no build" in again.stdout, again.stdout


def until(happened: Callable[[], bool], seconds: float = 600.0) -> None:
    """Wait for it."""
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end
        time.sleep(0.2)
