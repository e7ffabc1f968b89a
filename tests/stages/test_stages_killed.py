"""A build that is killed again and again ends with the same dataset, and no reply is ever paid for twice.

FACTORY_SOAK=1 kills it ten times instead of three.
"""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from factory.dataset.version import open_version
from factory.lineage import ledger
from factory.lineage.verify import verify
from factory.row import read_rows
from factory.settings import Settings
from factory.stages import STAGES
from factory.stages.measure import TIMED
from factory.teacher.cache import ReplyCache
from factory.teacher.chat import Request
from tests.conftest import NAME, Factory
from tests.shop import as_text

pytestmark = pytest.mark.real

Moment = Callable[[Factory], bool]


def begun(stage: str, file: str = "") -> Moment:
    """A stage is at work, or was, and has written a file."""
    return lambda shop: any((shop.home / "builds" / NAME / stage).glob(f"*/{file}" if file else "*"))


def replies(count: int) -> Moment:
    """The cache holds so many replies."""
    return lambda shop: len(cached(shop.settings)) >= count


# The usual build asks for 9 replies when writing, 30 when judging and twice 60 zero-shot.
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


def cached(settings: Settings) -> Counter[str]:
    """The questions whose replies are in the cache, as the teacher sees them, and how often each."""
    if not settings.replies.exists():
        return Counter()
    store = ReplyCache(settings.replies)
    try:
        keys = [row[0] for row in store._run("SELECT key FROM replies")]
        asked = [store.request(key) or {} for key in keys]
    finally:
        store.close()
    requests = [Request(**{name: value for name, value in one.items() if name != "teacher"}) for one in asked]
    return Counter(as_text(request.body("loopback")) for request in requests)


def alive(home: Path) -> list[int]:
    """Processes that work for this home."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if f"FACTORY_HOME={home}".encode() in (process / "environ").read_bytes().split(b"\0"):
                found.append(int(process.name))
        except OSError:  # it has ended meanwhile
            continue
    return found


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
    deadline = time.monotonic() + 20
    while alive(shop.home):  # guards end what the build had started
        assert time.monotonic() < deadline, "something outlived the build"
        time.sleep(0.05)
    return True


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="looks for processes in /proc")
def test_a_build_killed_again_and_again(built: Factory, tmp_path: Path) -> None:
    shop = built.elsewhere(tmp_path / "home")
    usual, built.teacher.server._delay = built.teacher.server._delay, 0.15
    moments = MANY if os.environ.get("FACTORY_SOAK") else FEW
    kills = 0
    had: list[tuple[int, Counter[str]]] = [(len(shop.teacher.asked), Counter())]
    try:
        for moment in moments:
            kills += kill_at(shop, moment)
            had.append((len(shop.teacher.asked), cached(shop.settings)))
    finally:
        built.teacher.server._delay = usual
    ended = shop.run("build", NAME)
    assert ended.returncode == 0, ended.stdout
    had.append((len(shop.teacher.asked), Counter()))
    assert kills >= min(10, len(moments))

    # Of each question as many may be asked between two kills as had no reply at the first.
    everything = cached(shop.settings)
    timed = Counter(dict.fromkeys(timed_questions(shop), 1))
    for (start, known), (end, _) in itertools.pairwise(had):
        again = Counter(shop.teacher.asked[start:end]) - (everything - known) - timed
        assert not again

    assert open_version(shop.stage("dataset")).manifest["hash"] == open_version(built.stage("dataset")).manifest["hash"]
    assert (shop.stage("train") / "model.safetensors").read_bytes() == (
        built.stage("train") / "model.safetensors"
    ).read_bytes()
    assert [row.id for row in read_rows(shop.stage("write") / "rows.jsonl")] == [
        row.id for row in read_rows(built.stage("write") / "rows.jsonl")
    ]
    assert [path.name for path in (shop.home / "hub" / NAME).glob("[!.]*")] == ["1.0.0"]
    assert not list(shop.home.glob("pipeline-*"))
    book = ledger.read(shop.home / "builds" / NAME)
    assert verify(shop.home / "builds" / NAME, book).problems == []
    assert {entry.stage for entry in book.entries} == set(STAGES)
    shutil.rmtree(shop.home)


def timed_questions(shop: Factory) -> list[str]:
    """What may be asked past the cache, to take its time: the first gold rows, zero-shot, by either prompt."""
    zero_shot = [line for line in cached(shop.settings) if '"max_tokens": 24' in line]
    assert len(zero_shot) == 120
    first = [gold.text for gold in shop.gold_rows()[:TIMED]]
    return [line for line in zero_shot if any(text in line for text in first)]
