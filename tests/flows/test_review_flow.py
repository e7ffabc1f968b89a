"""A build that waits for people, on a real Prefect server: suspended, resumed by the watch, published."""

from __future__ import annotations

import os
import signal
import time
import urllib.request
from pathlib import Path
from typing import Any

import psutil
import pytest

from factory.files import read_jsonl, write_jsonl
from factory.review import waiting
from factory.services.watch import WatchServer
from tests.flows.world import World
from tests.shop import label_of

pytestmark = pytest.mark.real

UP, DOWN = (f"from factory.services.__main__ import main; main(['watch', {action!r}])" for action in ("up", "down"))
SMALL = {"generate": 12, "label": 12, "judge": 12, "review": 6, "measure_teacher": 12, "epochs": 1}


def until(world: World, spec: str, state: str, seconds: float = 300.0) -> dict[str, Any]:
    """The specialist's one run, once it is in this state."""
    deadline = time.monotonic() + seconds
    while True:
        (run,) = world.runs(spec)
        if run["state_name"] == state:
            return run
        assert time.monotonic() < deadline, (run["state_name"], WatchServer(world.settings).log.read_text())
        time.sleep(0.3)


def test_a_build_waits_without_a_process_and_goes_on_by_itself(world: World) -> None:
    spec = world.specialist("test/waits", review="required", budgets={"quick": SMALL, "full": SMALL})
    ended = world.run(spec)
    assert ended.returncode == 4, ended.stdout
    assert "This build waits for people: 0 of 6 rows are answered" in ended.stdout
    assert "Traceback" not in ended.stdout
    run = until(world, spec, "Suspended")
    assert list(world.tasks(run)) == ["plan", "write", "clean", "judge", "review"]
    watch = psutil.Process(int((world.settings.home / "run" / "watch.pid").read_text()))
    assert watch.children() == []  # nothing runs this build
    asked = len(world.teacher.asked)
    (waits,) = waiting.everything(world.settings.home)
    folder = Path(waits.where)
    shown = read_jsonl(folder / "to_review.jsonl")
    assert len(shown) == 6

    write_jsonl(folder / "answers.jsonl", [{"row_id": row["row_id"], "label": label_of(row["text"])} for row in shown])
    knock = urllib.request.Request(WatchServer(world.settings).url, b"", method="POST")
    urllib.request.urlopen(knock, timeout=10).close()
    done = until(world, spec, "Completed")
    assert done["id"] == run["id"]
    said = WatchServer(world.settings).log.read_text()
    assert said.count("there already") == 4  # plan, write, clean and judge
    assert "answered by people: 6" in said
    assert not any("LABEL:" in request for request in world.teacher.asked[asked:])  # nothing is written anew
    assert read_jsonl(folder / "to_review.jsonl") == shown
    assert (world.settings.home / "hub" / spec).exists()
    assert waiting.everything(world.settings.home) == []


def test_what_is_answered_while_everything_is_dead_counts(world: World) -> None:
    spec = world.specialist("test/outlives", review="required", budgets={"quick": SMALL, "full": SMALL})
    assert world.run(spec).returncode == 4
    run = until(world, spec, "Suspended")
    for name in ("watch", "prefect"):
        os.kill(int((world.settings.home / "run" / f"{name}.pid").read_text()), signal.SIGKILL)
    for service in (WatchServer(world.settings), world.prefect):
        deadline = time.monotonic() + 30
        while service.state != "down" and time.monotonic() < deadline:  # a kill returns before its process is gone
            time.sleep(0.1)
        assert service.state == "down"
    (waits,) = waiting.everything(world.settings.home)
    folder = Path(waits.where)
    shown = read_jsonl(folder / "to_review.jsonl")
    write_jsonl(folder / "answers.jsonl", [{"row_id": row["row_id"], "label": label_of(row["text"])} for row in shown])

    world.prefect.start()
    assert "watch is up" in world.run(code=UP).stdout  # as by `make up`
    done = until(world, spec, "Completed")
    assert done["id"] == run["id"]
    assert read_jsonl(folder / "to_review.jsonl") == shown
    assert (world.settings.home / "hub" / spec).exists()
    assert waiting.everything(world.settings.home) == []


def test_a_build_that_the_watch_was_at_is_not_lost_with_it(world: World) -> None:
    """Killed, as by a power cut, it leaves a run that is at work for ever; stopped, one that Prefect has cancelled."""
    spec = world.specialist(
        "test/restarted", review="required", budgets={"quick": SMALL, "full": SMALL}, teacher={"model": "loopback"}
    )
    assert world.run(spec).returncode == 4
    run = until(world, spec, "Suspended")
    folder = Path(next(one.where for one in waiting.everything(world.settings.home) if one.spec == spec))
    shown = read_jsonl(folder / "to_review.jsonl")
    write_jsonl(folder / "answers.jsonl", [{"row_id": row["row_id"], "label": label_of(row["text"])} for row in shown])
    world.teacher.server._delay = 60.0
    try:
        asked = len(world.teacher.asked)
        knock = urllib.request.Request(WatchServer(world.settings).url, b"", method="POST")
        urllib.request.urlopen(knock, timeout=10).close()
        more_asked(world, asked)
        watch = psutil.Process(int((world.settings.home / "run" / "watch.pid").read_text()))
        for process in (watch, *watch.children(recursive=True)):
            process.kill()
        psutil.wait_procs([watch], timeout=30)
        assert until(world, spec, "Running")["id"] == run["id"]

        asked = len(world.teacher.asked)
        assert "watch is up" in world.run(code=UP).stdout
        more_asked(world, asked)
        assert "watch stopped" in world.run(code=DOWN).stdout
        (stopped,) = world.runs(spec)
        assert stopped["state_type"] in ("CANCELLED", "CRASHED"), stopped["state"]
    finally:
        world.teacher.server._delay = 0.0
    assert "watch is up" in world.run(code=UP).stdout
    assert until(world, spec, "Completed")["id"] == run["id"]
    assert WatchServer(world.settings).log.read_text().count("the watch that was building it had ended") == 2
    assert (world.settings.home / "hub" / spec).exists()


def more_asked(world: World, than: int, seconds: float = 300.0) -> None:
    """Wait until the teacher is asked, so that a build is at work."""
    deadline = time.monotonic() + seconds
    while len(world.teacher.asked) <= than:
        assert time.monotonic() < deadline, WatchServer(world.settings).log.read_text()
        time.sleep(0.1)
