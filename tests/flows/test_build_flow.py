"""The flow on a real Prefect server, with everything real but the teacher."""

from __future__ import annotations

import re
import signal
import time
from pathlib import Path

import pytest

from factory.stages import STAGES
from flows.board import artifact_key
from tests.flows.world import World

pytestmark = pytest.mark.real

IN_FLIGHT = 8


def test_a_build_from_nothing_and_again(world: World) -> None:
    spec = world.specialist("test/first", student={})  # the encoder that specialists have
    first = world.run(spec)
    assert first.returncode == 0, first.stdout
    asked = len(world.teacher.asked)
    assert asked > 10

    (run,) = world.runs(spec)
    assert run["state_type"] == "COMPLETED"
    assert run["name"] == f"{spec} quick"
    assert world.tasks(run) == dict.fromkeys(STAGES, "COMPLETED")
    shown = world.artifacts(run)
    assert {artifact_key(spec, stage) for stage in STAGES} <= set(shown)
    assert shown["test-first-write-progress"] == 100.0
    assert "report.html" in shown["test-first-where"]
    for stage in STAGES:
        assert f"] {stage}\n" in first.stdout
    assert world.page_of(run) in first.stdout
    assert re.search(r"measure +(\d+)/\1 parts", first.stdout), "long work shows how far it is, to its end"
    assert "zoo.load('test/first')" in first.stdout
    assert "Traceback" not in first.stdout
    card = next(line.split(maxsplit=1)[1] for line in first.stdout.splitlines() if line.startswith("  Card "))
    assert "test/first" in Path(card).read_text()

    again = world.run(spec)
    assert again.returncode == 0, again.stdout
    assert again.stdout.count("there already") == len(STAGES)
    assert len(world.teacher.asked) == asked
    assert [run["state_type"] for run in world.runs(spec)] == ["COMPLETED", "COMPLETED"]


def test_a_gate_that_is_not_passed(world: World) -> None:
    spec = world.specialist("test/strict", gate=[{"at_least": 1.0}])
    ended = world.run(spec)
    assert ended.returncode == 3, ended.stdout
    assert "did not pass its gate" in ended.stdout
    assert "report.html" in ended.stdout
    assert "Traceback" not in ended.stdout
    (run,) = world.runs(spec)
    assert run["state_type"] == "FAILED"
    assert world.tasks(run) == dict.fromkeys(STAGES[:-1], "COMPLETED") | {STAGES[-1]: "FAILED"}
    assert not (world.settings.home / "hub" / spec).exists()

    forced = world.run(spec, "--force")
    assert forced.returncode == 0, forced.stdout
    assert (world.settings.home / "hub" / spec).exists()


def test_a_build_that_is_killed_goes_on(world: World) -> None:
    teacher = {"model": "loopback", "rows_per_request": 4, "concurrency": IN_FLIGHT}
    spec = world.specialist("test/killed", budgets=_larger(), teacher=teacher)
    before = len(world.teacher.asked)
    world.teacher.server._delay = 0.5
    try:
        killed = world.start(spec)
        deadline = time.monotonic() + 120
        while len(world.teacher.asked) < before + 40 and time.monotonic() < deadline:
            time.sleep(0.02)
        killed.send_signal(signal.SIGKILL)
        assert killed.wait(30) == -signal.SIGKILL
    finally:
        world.teacher.server._delay = 0.0
    killed.communicate()
    ended = world.run(spec)
    assert ended.returncode == 0, ended.stdout
    assert [run["state_type"] for run in world.runs(spec)] == ["CRASHED", "COMPLETED"]
    planned = int(re.findall(r"requests: (\d+)", ended.stdout)[0])
    asked = sum("LABEL:" in request for request in world.teacher.asked[before:])
    # What was in flight at the kill had not been answered, and is asked again; nothing else is.
    assert planned <= asked <= planned + IN_FLIGHT
    assert "Traceback" not in ended.stdout


def _larger() -> dict[str, dict[str, int]]:
    budget = {"generate": 240, "label": 12, "judge": 30, "review": 30, "measure_teacher": 0, "epochs": 2}
    return {"quick": budget, "full": budget}


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (("test/nothing",), 1, "There is no specialist named 'test/nothing'"),
        (("test/nothing", "--budget", "huge"), 2, "invalid choice: 'huge'"),
        ((), 2, "required: spec"),
    ],
)
def test_mistakes_are_said_without_a_traceback(
    world: World, arguments: tuple[str, ...], status: int, said: str
) -> None:
    ended = world.run(*arguments)
    assert ended.returncode == status
    assert said in ended.stdout
    assert "Traceback" not in ended.stdout


BUILD_TWICE = """
import sys
from factory import settings
from factory.alone import alone
known = settings.load()
with alone(sys.argv[1], known):
    print("here", flush=True)
    sys.stdin.read() if len(sys.argv) > 2 else None
    import subprocess
    code = subprocess.run([sys.executable, "-m", "flows.build", sys.argv[1]], check=False).returncode
    sys.exit(code)
"""


def test_one_build_of_a_specialist_at_a_time(world: World) -> None:
    spec = world.specialist("test/twice")
    ended = world.run(spec, code=BUILD_TWICE)
    assert ended.returncode == 1, ended.stdout
    assert "is being built by another process already" in ended.stdout


# A build whose second stage fails once for want of a server, and whose third has bad data.
FAILING = """
import sys
from pathlib import Path
from factory import settings, stages
from factory.errors import DataError, ServiceError
from factory.stage import Output
from flows import engine
known = settings.load()
engine.connect(known)
from prefect import tags
from flows import specialist
tried = []
class Failing(stages.Build):
    def run(self, stage):
        tried.append(stage)
        if tried.count(stage) == 1 and stage == stages.STAGES[1]:
            raise ServiceError("Argilla died.")
        if stage == stages.STAGES[2]:
            raise DataError("The gold set is empty.", where="here")
        return Output(stage, "key", Path("nowhere"), reused=False)
    def summary(self, stage):
        return {"rows": 1}
stages.Build = Failing
specialist.run_stage.retry_delay_seconds = [0, 0]
try:
    with tags(sys.argv[1]):
        specialist.build(sys.argv[1])
except DataError as error:
    print("ended with", error.what, tried)
"""


def test_only_a_server_that_was_away_is_tried_again(world: World) -> None:
    spec = world.specialist("test/failing")
    ended = world.run(spec, code=FAILING)
    assert ended.returncode == 0, ended.stdout
    assert f"ended with The gold set is empty. {[STAGES[0], STAGES[1], STAGES[1], STAGES[2]]}" in ended.stdout
    assert "Argilla died." in ended.stdout
    assert "Traceback" not in ended.stdout
    (run,) = world.runs(spec)
    assert run["state_type"] == "FAILED"
    assert world.tasks(run) == {STAGES[0]: "COMPLETED", STAGES[1]: "COMPLETED", STAGES[2]: "FAILED"}
