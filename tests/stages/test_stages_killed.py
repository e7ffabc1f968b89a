"""A build that is killed again and again ends with the same dataset, and no reply is ever paid for twice.

Here the moments are chosen, three of them, or fifteen where FACTORY_SOAK is set; in soak.py they are drawn.
"""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.accounts import Accounts, assert_the_same, cached, wait_for_the_last
from tests.conftest import NAME, Factory

pytestmark = pytest.mark.real

Moment = Callable[[Factory], bool]


def begun(stage: str, file: str = "") -> Moment:
    """A stage is at work, or was, and has written a file."""
    return lambda shop: any((shop.home / "builds" / NAME / stage).glob(f"*/{file}" if file else "*"))


def replies(count: int) -> Moment:
    """The cache holds so many replies."""
    return lambda shop: len(cached(shop.settings)) >= count


# The usual build asks for 9 replies when writing, 30 when judging and three times 60 when measuring.
FEW = [replies(5), begun("train", "checkpoint/history.json"), begun("publish")]
MANY = [
    begun("plan"),
    replies(3),
    replies(6),
    begun("clean", "kept.jsonl"),
    replies(15),
    replies(30),
    begun("vote", "rows.jsonl"),
    begun("review", "kept.jsonl"),
    begun("dataset"),
    begun("train", "checkpoint/history.json"),
    begun("train", "onnx/model.onnx"),
    replies(60),
    replies(110),
    begun("evaluate", "candidate/manifest.json"),
    begun("publish", "dataset/manifest.json"),
]


def kill_at(shop: Factory, moment: Moment) -> bool:
    """Start the build and kill its main process at a moment; False where that moment has gone by already."""
    if moment(shop):
        return False
    process = shop.start("build", NAME)
    try:
        deadline = time.monotonic() + 300
        while process.poll() is None and not moment(shop):
            assert time.monotonic() < deadline
            time.sleep(0.003)
        if process.poll() is not None:
            raise AssertionError(process.stdout.read() if process.stdout else "the build ended")
        process.send_signal(signal.SIGKILL)
        process.wait(30)
    finally:
        process.kill()
        if process.stdout:
            process.stdout.close()
    wait_for_the_last(shop.home)
    return True


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="looks for processes in /proc")
def test_a_build_killed_again_and_again(built: Factory, tmp_path: Path) -> None:
    shop = built.elsewhere(tmp_path / "home")
    usual, built.teacher.server._delay = built.teacher.server._delay, 0.15
    moments = MANY if os.environ.get("FACTORY_SOAK") else FEW
    accounts, kills = Accounts(shop), 0
    try:
        for moment in moments:
            kills += kill_at(shop, moment)
            accounts.note()
    finally:
        built.teacher.server._delay = usual
    ended = shop.run("build", NAME)
    assert ended.returncode == 0, ended.stdout
    assert kills >= min(10, len(moments))
    assert not accounts.asked_again()
    assert_the_same(shop, built)
    shutil.rmtree(shop.home)
