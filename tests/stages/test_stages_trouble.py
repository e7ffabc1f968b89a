"""A teacher that goes away or talks nonsense, a full disk, and others who build at the same time: nothing is lost.

With FACTORY_SOAK (`make soak`) a teacher's trouble lasts a minute rather than two seconds, and the disk is full at many
moments of a whole build rather than at one while writing.
"""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from factory.files import read_jsonl
from factory.lineage import ledger
from factory.lineage.verify import verify
from factory.row import read_rows
from tests import shop
from tests.accounts import Accounts, assert_the_same, cached, wait_for_the_last
from tests.conftest import NAME, Factory
from tests.disk import fill, small_disk

pytestmark = pytest.mark.real

SOAK = bool(os.environ.get("FACTORY_SOAK"))
SECONDS = 60.0 if SOAK else 2.0
AT_ONCE = 2  # questions in flight, by the usual spec
UNTIL_WRITTEN = ("build", NAME, "--until", "write")
FILLED = ("build", NAME) if SOAK else UNTIL_WRITTEN  # the build that a full disk stops


@pytest.fixture(scope="module")
def sound(factory: Factory, tmp_path_factory: pytest.TempPathFactory) -> Factory:
    """The usual factory after a build that met no trouble."""
    there = factory.elsewhere(tmp_path_factory.mktemp("sound") / "home")
    end(there.start(*FILLED))
    return there


@pytest.fixture
def slow(factory: Factory, tmp_path: Path) -> Iterator[Factory]:
    """The same with an empty home, and a teacher that takes its time."""
    server = factory.teacher.server
    usual, answer, server._delay = server._delay, server._answer, 0.3
    yield factory.elsewhere(tmp_path / "home")
    server._delay, server._answer = usual, answer
    server.failures.clear()
    server.failed.clear()


def begin(there: Factory, replies: int) -> subprocess.Popen[str]:
    """Start to write, and wait until so many replies are kept."""
    process = there.start(*UNTIL_WRITTEN)
    wait(lambda: len(cached(there.settings)) >= replies, process)
    return process


def wait(come: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    """Wait for a moment of a build."""
    deadline = time.monotonic() + 300
    while not come():
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.02)


def end(process: subprocess.Popen[str]) -> str:
    """Wait for a good end; what was said."""
    said, _ = process.communicate(timeout=600)
    assert process.returncode == 0, said
    return said


def assert_written_as(there: Factory, other: Factory) -> None:
    rows, others = ([row.id for row in read_rows(one.stage("write") / "rows.jsonl")] for one in (there, other))
    assert rows == others


def test_a_teacher_that_is_away_for_a_while(slow: Factory, sound: Factory) -> None:
    before = len(slow.teacher.asked)
    process = begin(slow, replies=3)
    slow.teacher.leave()
    time.sleep(0.5)  # what has been answered is kept by now
    accounts = Accounts(slow)
    time.sleep(SECONDS)
    slow.teacher.come_back()
    assert "replies not as asked: 0" in end(process)
    assert_written_as(slow, sound)
    assert not accounts.asked_again()
    asked = Counter(slow.teacher.asked[before:])
    assert asked.total() - len(asked) <= AT_ONCE


def test_a_teacher_that_answers_nonsense_for_a_while(slow: Factory, sound: Factory) -> None:
    server, before = slow.teacher.server, len(slow.teacher.asked)
    process = begin(slow, replies=3)
    server.failures = list(itertools.islice(itertools.cycle(["html", 500, "json", "cut", "drop", 503]), 10_000))
    time.sleep(SECONDS)
    server.failures.clear()
    assert "replies not as asked: 0" in end(process)
    assert_written_as(slow, sound)
    in_vain = Counter(map(shop.as_text, server.failed))
    assert in_vain.total() >= AT_ONCE
    answered = Counter(slow.teacher.asked[before:]) - in_vain
    assert answered == cached(slow.settings)


def test_replies_against_the_schema_are_kept_and_told_and_cost_no_other_row(slow: Factory) -> None:
    """They were paid for, and nothing tells them from what a weak teacher writes."""
    process = begin(slow, replies=3)
    good, odd = slow.teacher.server._answer, json.dumps({"answer": 42})
    slow.teacher.server._answer = lambda body: odd
    wait(lambda: len(cached(slow.settings)) >= 5, process)
    slow.teacher.server._answer = good
    end(process)
    written, failed = (read_rows(slow.stage("write") / "rows.jsonl"), read_jsonl(slow.stage("write") / "failed.jsonl"))
    assert 0 < len(failed) < 7 and len(written) == 4 * (9 - len(failed))
    asked = len(slow.teacher.asked)
    again = slow.run(*UNTIL_WRITTEN)
    assert "write (was there)" in again.stdout and len(slow.teacher.asked) == asked


def begun(stage: str, file: str = "") -> Callable[[Factory], bool]:
    """A stage is at work, or was, and has written a file."""
    return lambda there: any((there.home / "builds" / NAME / stage).glob(f"*/{file}" if file else "*"))


FEW: list[Callable[[Factory], bool]] = [lambda there: len(cached(there.settings)) >= 2]
MANY = [
    *FEW,
    lambda there: len(cached(there.settings)) >= 9,
    begun("clean"),
    lambda there: len(cached(there.settings)) >= 20,
    begun("vote"),
    begun("review"),
    begun("dataset"),
    begun("train"),
    begun("train", "checkpoint/history.json"),
    begun("train", "training.json"),
    begun("train", "onnx/model.onnx"),
    begun("reviewed_only"),
    lambda there: len(cached(there.settings)) >= 90,
    begun("evaluate"),
    begun("publish"),
]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small disk."""
    with small_disk(tmp_path / "disk", 256 if SOAK else 16) as place:
        yield place


def test_a_disk_that_is_full_for_a_while(slow: Factory, sound: Factory, disk: Path) -> None:
    there = slow.elsewhere(disk / "home")
    accounts, stopped = Accounts(there), 0
    for moment in MANY if SOAK else FEW:
        if moment(there):
            continue
        process = there.start(*FILLED)
        wait(lambda now=moment: now(there), process)  # type: ignore[misc]
        ballast = fill(disk)
        said, _ = process.communicate(timeout=600)
        assert process.returncode in (0, 1), said  # nothing more may have been to be written
        assert process.returncode == 0 or "error: The disk is full." in said, said
        assert "Traceback" not in said
        stopped += process.returncode
        ballast.unlink()
        wait_for_the_last(there.home)
        accounts.note()
    assert stopped >= (8 if SOAK else 1)
    ended = there.run(*FILLED)
    assert ended.returncode == 0, ended.stdout
    assert not accounts.asked_again()
    (assert_the_same if SOAK else assert_written_as)(there, sound)


def test_two_specialists_at_once_and_one_of_them_twice(slow: Factory, sound: Factory) -> None:
    """All keep their replies in one place; but two builds of one specialist would write to the same folders."""
    other = slow.specialist("test/twin", gate=[{"better_than": "majority"}])
    before = len(slow.teacher.asked)
    twins = [slow.start(*UNTIL_WRITTEN) for _ in range(2)]
    end(slow.start("build", other, "--until", "write"))
    outputs = [process.communicate(timeout=600)[0] for process in twins]
    said = {process.returncode: output for process, output in zip(twins, outputs, strict=True)}
    assert said.keys() == {0, 1}, outputs
    assert f"error: {NAME} is being built by another process already" in said[1]
    assert_written_as(slow, sound)
    asked, kept = Counter(slow.teacher.asked[before:]), cached(slow.settings)
    assert asked == kept and len(kept) == 18  # nine each
    for name in (NAME, other):
        root = slow.home / "builds" / name
        (written,) = (root / "write").glob("[!.]*")
        assert len(read_rows(written / "rows.jsonl")) == 36
        assert verify(root, ledger.read(root)).problems == []
