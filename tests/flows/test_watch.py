"""What the watch does with a build that it can't go on with at once, and with one that it has lost."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import prefect
import pytest
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.states import Cancelled, Crashed, Pending, Running, State

from factory import settings as environment
from factory.errors import ServiceError
from factory.review import waiting as reviews
from factory.settings import CHECKOUT, Settings
from flows import review, specialist, waiting
from flows.engine import KILLED
from flows.review import AGAIN, EVERY, Watch
from tests import shop

SPEC = "test/shop"
HOLDS = (
    "import sys; from factory import settings; from factory.alone import alone\n"
    f"with alone({SPEC!r}, settings.load()): print('begun', flush=True); sys.stdin.read()"
)
NOW = datetime.now(UTC)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("FACTORY_HOME", str(tmp_path))
    return dataclasses.replace(environment.load(), review="jsonl", notify=())


@pytest.fixture
def held(here: Settings) -> Iterator[subprocess.Popen[str]]:
    """Another process that builds, measures or prunes the specialist; told anything, it ends."""
    command = [sys.executable, "-c", HOLDS]
    with subprocess.Popen(command, cwd=CHECKOUT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout and process.stdout.readline() == "begun\n"
        yield process
        process.kill()


def run(state: State[Any] | None = None) -> FlowRun:
    """Of the deployment, that the watch has gone on with."""
    parameters = {"spec": SPEC, "budget": "quick", "force": False}
    return FlowRun(
        flow_id=uuid4(), name=f"{SPEC} quick", parameters=parameters, tags=[SPEC, waiting.RESUMED], state=state
    )


def seen(monkeypatch: pytest.MonkeyPatch, *, suspended: list[FlowRun], resumed: list[FlowRun]) -> dict[str, list[Any]]:
    """What Prefect knows; returns what is done with the runs, and told."""
    done: dict[str, list[Any]] = {"resume": [], "again": [], "forget": [], "notify": []}
    monkeypatch.setattr(waiting, "suspended", lambda: suspended)
    monkeypatch.setattr(waiting, "resumed", lambda: resumed)
    for name in ("resume", "again", "forget"):
        monkeypatch.setattr(waiting, name, lambda run, *_, into=done[name]: into.append(run.id))
    monkeypatch.setattr(review, "notify", lambda title, what, _: done["notify"].append((title, what)))
    return done


def test_what_another_process_builds_is_resumed_when_that_has_ended(
    here: Settings, held: subprocess.Popen[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Resumed at once, the run would fail: its specialist is being built by another process already."""
    one = run()
    done = seen(monkeypatch, suspended=[one], resumed=[])
    watch = Watch(here)
    monkeypatch.setattr(watch, "_examine", lambda *_, **__: None)
    assert watch.look() == AGAIN and done["resume"] == []
    held.communicate("")
    assert watch.look() == EVERY and done["resume"] == [one.id]


def test_a_build_whose_spec_requires_review_no_longer_goes_on_and_waits_no_longer(
    here: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.make_specialist(tmp_path / "prompts" / SPEC, tmp_path / "gold", {})
    here = dataclasses.replace(here, prompts=tmp_path / "prompts")
    began = reviews.begin(here.home, SPEC, "quick", {"r1": 1}, "there", NOW)
    reviews.keep(here.home, began)
    one = run()
    done = seen(monkeypatch, suspended=[one], resumed=[])
    Watch(here).look()
    assert done["resume"] == [one.id] and reviews.everything(here.home) == []


@pytest.mark.parametrize("state", [Running(), Crashed(message=KILLED)])
def test_what_outlived_a_watch_is_left_to_end(
    state: State[Any], here: Settings, held: subprocess.Popen[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    one = run(state)
    done = seen(monkeypatch, suspended=[], resumed=[one])
    watch = Watch(here)
    assert watch.look() == AGAIN and done["again"] == []
    held.communicate("")
    assert watch.look() == EVERY and done["again"] == [one.id]


def test_one_that_crashes_by_itself_is_told_and_left(here: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    killed = run(Crashed(message="Process exited with status code: -9. It was killed, maybe for want of memory."))
    wished = run(Cancelled(message="Flow run was cancelled successfully."))
    done = seen(monkeypatch, suspended=[], resumed=[killed, wished])
    Watch(here).look()
    assert (done["again"], done["forget"]) == ([], [killed.id])
    ((title, what),) = done["notify"]
    assert title == f"{SPEC} could not be built" and "status code: -9" in what and "start the build again" in what


@pytest.mark.parametrize(("tags", "told"), [([SPEC, waiting.RESUMED], [f"{SPEC} could not be built"]), ([SPEC], [])])
def test_what_fails_where_nobody_watches_is_told(
    tags: list[str], told: list[str], here: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.make_specialist(tmp_path / "prompts" / SPEC, tmp_path / "gold", {})
    monkeypatch.setenv("FACTORY_PROMPTS", str(tmp_path / "prompts"))
    heard: list[str] = []

    def refused(*_: object) -> None:
        raise ServiceError("another process builds it")

    monkeypatch.setattr(specialist, "alone", refused)
    monkeypatch.setattr(specialist, "url_for", lambda *_, **__: "")
    monkeypatch.setattr(specialist, "create_markdown_artifact", lambda *_: None)
    monkeypatch.setattr(specialist, "notify", lambda title, *_: heard.append(title))
    monkeypatch.setattr(prefect.runtime.flow_run, "tags", tags, raising=False)
    with pytest.raises(ServiceError, match="another process"):
        specialist.build.fn(SPEC, "quick")
    assert heard == told


@pytest.mark.parametrize(
    ("state", "lost"),
    [
        (Cancelled(message="Runner is shutting down."), True),
        (Crashed(message="Execution was aborted by a termination signal."), True),
        (Crashed(message="Process exited with status code: -15. SIGTERM."), True),
        (Crashed(message=KILLED), True),
        (Running(timestamp=NOW - timedelta(hours=1)), True),
        (Pending(timestamp=NOW - timedelta(hours=1)), True),
        (Running(timestamp=NOW + timedelta(hours=1)), False),
        (Pending(timestamp=NOW + timedelta(hours=1)), False),
        (Cancelled(message="Flow run was cancelled successfully."), False),
        (Cancelled(), False),
        (Crashed(message="Process exited with status code: -9."), False),
        (Crashed(message="Execution was aborted by an interrupt signal."), False),
        (None, False),
    ],
)
def test_what_was_lost_with_a_watch_is_told_from_what_was_stopped(state: State[Any] | None, lost: bool) -> None:
    assert waiting.lost(run(state), NOW) is lost


def test_a_resumed_run_is_known_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    tagged: list[list[str]] = []
    monkeypatch.setattr(waiting, "emit_event", lambda *_, **__: None)
    monkeypatch.setattr(waiting, "resume_flow_run", lambda _: None)
    client = SimpleNamespace(update_flow_run=lambda _, tags: tagged.append(tags))

    class Client:
        def __enter__(self) -> Any:
            return client

        def __exit__(self, *_: object) -> None:
            return

    monkeypatch.setattr(waiting, "get_client", lambda **_: Client())
    one = run(State(type=StateType.PAUSED)).model_copy(update={"tags": [SPEC]})
    waiting.resume(one, None)
    waiting.forget(run())
    assert tagged == [[waiting.RESUMED, SPEC], [SPEC]]
