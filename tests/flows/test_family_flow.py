"""All specialists by one command."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from factory import settings
from factory.errors import FactoryError
from factory.stages import STAGES
from flows import engine, family
from flows.built import Built
from flows.family import status, table
from tests.flows.world import World


def built(code: int, became: str = "1.0.0") -> Built:
    return Built("test/shop", code, became, {"plan": 0.4, "write": 71.6}, 72.0)


@pytest.mark.parametrize(
    ("codes", "together"), [([0, 0], 0), ([0, 4], 4), ([4, 3], 1), ([0, 1], 1), ([0, -9], 1), ([], 0)]
)
def test_one_status_for_all(codes: list[int], together: int) -> None:
    assert status([built(code) for code in codes]) == together


def test_the_table_tells_what_became_of_each() -> None:
    said = table([built(0), built(3, "test/shop did not pass its gate, so nothing was published.")])
    assert "test/shop                        1:12  1.0.0" in said
    assert "did not pass its gate" in said
    assert "seconds: plan 0, write 72" in said
    assert said.endswith("1 of 2 published")


@pytest.mark.parametrize(
    "trouble", [httpx.ConnectError("refused"), RuntimeError("another version"), ValueError("no JSON")]
)
def test_a_prefect_that_died_stops_no_family(
    trouble: Exception, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def away(**_: object) -> None:
        raise trouble

    monkeypatch.setattr("prefect.client.orchestration.get_client", away)
    monkeypatch.setattr(subprocess, "run", lambda command, **_: subprocess.CompletedProcess(command, 4))
    here = dataclasses.replace(settings.load(), home=tmp_path)
    all_of_them = family.build(["test/one", "test/other"], "quick", here, at_once=1, ray=False)
    assert [(one.name, one.status, one.seconds) for one in all_of_them] == [("test/one", 4, {}), ("test/other", 4, {})]


RUN = "import sys; from flows.family import main; sys.exit(main(sys.argv[1:]))"


@pytest.mark.real
def test_one_that_fails_stops_no_other(world: World) -> None:
    strict = world.specialist("test/family_strict", gate=[{"at_least": 1.0}])
    good = world.specialist("test/family_good")
    ended = world.run("test/nothing", strict, good, code=RUN, timeout=600)
    assert ended.returncode == 1, ended.stdout
    assert "There is no specialist named 'test/nothing'" in ended.stdout
    assert f"{strict} did not pass its gate" in ended.stdout
    said = ended.stdout[ended.stdout.index("specialist  ") :].splitlines()
    (line,) = [number for number, text in enumerate(said) if text.startswith(good)]
    assert said[line].endswith("  1.0.0")
    assert all(f"{stage} " in said[line + 1] for stage in STAGES)
    assert said[-1] == "1 of 3 published"


@pytest.mark.real
def test_a_family_that_is_killed_leaves_nobody_building(world: World) -> None:
    spec = world.specialist("test/family_killed", teacher={"model": "loopback"})
    before, begun = len(world.teacher.asked), datetime.now(UTC)
    world.teacher.server._delay = 0.5
    try:
        killed = world.start(spec, code=RUN)
        wait_for(lambda: len(world.teacher.asked) > before, seconds=120)
        assert building(spec)
        killed.kill()
        killed.communicate()
        wait_for(lambda: not building(spec), seconds=10)
    finally:
        world.teacher.server._delay = 0.0
    again = datetime.now(UTC)
    ended = world.run(spec, code=RUN)
    assert ended.returncode == 0, ended.stdout
    whole, later = (took(world, spec, since) for since in (begun, again))
    assert set(whole) == set(later) == set(STAGES)
    assert whole["plan"] > later["plan"]  # it had been planned before the kill


def took(world: World, spec: str, since: datetime) -> dict[str, float]:
    """Seconds by stage of its runs since then."""
    code = (
        "import datetime, json, sys; from factory import settings; from flows import built, engine;"
        "engine.connect(settings.load());"
        "print(json.dumps(built.stages(sys.argv[1], datetime.datetime.fromisoformat(sys.argv[2]))))"
    )
    ended = world.run(spec, since.isoformat(), code=code)
    assert ended.returncode == 0, ended.stdout
    found: dict[str, float] = json.loads(ended.stdout.splitlines()[-1])
    return found


def building(spec: str) -> list[str]:
    """Processes that build it; those that have ended have no command line."""
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            found.append(file.read_bytes().decode().split("\0"))
    return [" ".join(words) for words in found if "flows.build" in words and spec in words]


def wait_for(condition: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_without_ray_what_to_install_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "ray", None)
    with pytest.raises(FactoryError, match="Install ray=="):
        family.build(["test/shop"], "quick", settings.load(), at_once=1, ray=True)


def test_builds_at_once_here_need_a_teacher_that_runs_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FACTORY_TEACHER_URL", "FACTORY_TEACHER_BATCH", "RAY_ADDRESS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(engine, "connect", lambda _: pytest.fail("nothing is started for what is refused"))
    for ray in (False, True):
        with pytest.raises(FactoryError, match="can't share the teacher"):
            family.run(["test/shop"], "quick", at_once=2, ray=ray)
