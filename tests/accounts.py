"""The books of builds that meet trouble: what a teacher was asked, what was kept, whether all came out the same."""

from __future__ import annotations

import itertools
import time
from collections import Counter
from pathlib import Path

from factory.dataset.version import open_version
from factory.lineage import ledger
from factory.lineage.verify import verify
from factory.row import read_rows
from factory.settings import Settings
from factory.stages.prompted import TIMED
from factory.teacher.cache import ReplyCache
from factory.teacher.chat import Request
from tests.conftest import ENTERED, NAME, Factory
from tests.shop import as_text


class Accounts:
    """What one home's builds of the usual specialist ask a teacher, and which replies they keep, from now on."""

    def __init__(self, shop: Factory) -> None:
        self._shop = shop
        self._had: list[tuple[int, Counter[str]]] = []
        self.note()

    def note(self) -> None:
        """Take down what was asked and what is kept at this moment; nobody may be asking."""
        self._had.append((len(self._shop.teacher.asked), cached(self._shop.settings)))

    def asked_again(self) -> Counter[str]:
        """The questions asked although their replies were kept when it was noted last; the build must be at its end.

        Between two notes, a question may be asked as often as it had no reply at the first. Those whose time is taken
        are asked past the cache.
        """
        self.note()
        everything, asked = cached(self._shop.settings), self._shop.teacher.asked
        timed = Counter(dict.fromkeys(_timed(self._shop), 1))
        again: Counter[str] = Counter()
        for (start, known), (end, _) in itertools.pairwise(self._had):
            again += Counter(asked[start:end]) - (everything - known) - timed
        return again


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


def wait_for_the_last(home: Path) -> None:
    """Wait until nothing works for this home any more: guards end what a killed build had started."""
    deadline = time.monotonic() + 20
    while alive(home):
        assert time.monotonic() < deadline, "something outlived the build"
        time.sleep(0.05)


def assert_the_same(shop: Factory, other: Factory) -> None:
    """A whole build came out as another did, and nothing is left over: rows, dataset, weights, hub and ledger."""
    assert open_version(shop.stage("dataset")).manifest["hash"] == open_version(other.stage("dataset")).manifest["hash"]
    model, others = ((one.stage("train") / "model.safetensors").read_bytes() for one in (shop, other))
    assert model == others
    rows, others_rows = (read_rows(one.stage("write") / "rows.jsonl") for one in (shop, other))
    assert [row.id for row in rows] == [row.id for row in others_rows]
    assert [path.name for path in (shop.home / "hub" / NAME).glob("[!.]*")] == ["1.0.0"]
    assert not list(shop.home.glob("pipeline-*"))
    book = ledger.read(shop.home / "builds" / NAME)
    assert verify(shop.home / "builds" / NAME, book).problems == []
    assert {entry.stage for entry in book.entries} == set(ENTERED)


def _timed(shop: Factory) -> list[str]:
    """What may be asked past the cache, to take its time: the first gold rows, zero-shot, by either prompt."""
    alone = [line for line in cached(shop.settings) if '"max_tokens": 24' in line and '"assistant"' not in line]
    first = [gold.text for gold in shop.gold_rows()[:TIMED]]
    return [line for line in alone if any(text in line for text in first)]
