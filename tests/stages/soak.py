"""`make soak`: builds killed fifty times, at moments drawn at random, make the dataset that an unkilled one makes.

A build is killed on its way until it gets through, then the next is begun in an empty home, until there were fifty
kills and some in every stage. Drawn are the stage (every stage once a build, and two of them again) and how far into
it the kill comes, as a share of the time that the unkilled build took for it: moments drawn by the clock alone would
nearly all lie in the imports. Half of the kills hit the build's own process, half of them everything that it has
started, too.

FACTORY_SOAK_SEED repeats the moments of an earlier run, FACTORY_SOAK_KILLS asks for another number. Takes a quarter of
an hour; `make test` has a short form, test_stages_killed.py.
"""

from __future__ import annotations

import os
import random
import re
import shutil
import signal
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from factory.stages import STAGES
from tests import forked
from tests.accounts import Accounts, alive, assert_the_same, wait_for_the_last
from tests.conftest import NAME, Factory

KILLS = int(os.environ.get("FACTORY_SOAK_KILLS") or 50)
AGAIN = 2
DELAY = 0.15  # seconds a reply takes, so that some are awaited when a kill comes
LONGEST = 900.0  # seconds a build may take


class Watched:
    """A build that is running, and when each of its stages began and ended (time.monotonic).

    A stage begins when the one before it has been printed; the first, when the build has locked the specialist.
    """

    def __init__(self, shop: Factory) -> None:
        self.log = shop.home.with_suffix(".txt")
        self.process = forked.start(shop, self.log)
        self.begun: dict[str, float] = {}
        self.ended: dict[str, float] = {}

    @property
    def at(self) -> str:
        """The stage at work; empty before the first and after the last."""
        self._look()
        now = [stage for stage in self.begun if stage not in self.ended]
        return now[0] if now else ""

    def wait_for(self, stage: str) -> bool:
        """Wait until the stage is at work, or a later one; False where the build ends before."""
        end = time.monotonic() + LONGEST
        while self.process.is_alive() and time.monotonic() < end:
            if (now := self.at) and STAGES.index(now) >= STAGES.index(stage):
                return True
            time.sleep(0.002)
        return False

    def wait(self) -> None:
        """Wait for its good end."""
        while self.process.is_alive():  # so that the end of every stage is noted when it comes
            self._look()
            time.sleep(0.002)
        assert self.process.exitcode == 0, self.log.read_text()

    def kill(self, *others: int) -> None:
        """SIGKILL."""
        for victim in (self.process.pid, *others):
            with suppress(ProcessLookupError):
                os.kill(victim or 0, signal.SIGKILL)
        self.process.join(30)
        assert self.process.exitcode == -signal.SIGKILL, self.log.read_text()

    def _look(self) -> None:
        """Note what has been printed since the last look."""
        now = time.monotonic()
        if not self.begun and self._locked():
            self.begun[STAGES[0]] = now
        for stage in re.findall(r"^(\w+)(?: \(was there\))?: /.*\n", self.log.read_text(), re.MULTILINE):
            if stage in STAGES and stage not in self.ended:
                self.begun.setdefault(stage, now)
                self.ended[stage] = now
                if stage != STAGES[-1]:
                    self.begun[STAGES[STAGES.index(stage) + 1]] = now

    def _locked(self) -> bool:
        with suppress(OSError):
            files = Path(f"/proc/{self.process.pid}/fd").glob("*")
            return any(file.readlink().name == f"build-{NAME.replace('/', '-')}.lock" for file in files)
        return False


def test_fifty_kills_at_random_moments_change_nothing(factory: Factory, tmp_path: Path) -> None:
    seed = int(os.environ.get("FACTORY_SOAK_SEED") or random.SystemRandom().randrange(1_000_000))
    print(f"\nFACTORY_SOAK_SEED={seed}")
    drawn = random.Random(seed)
    factory.teacher.server._delay = DELAY
    whole = factory.elsewhere(tmp_path / "whole")
    unkilled = Watched(whole)
    unkilled.wait()
    took = {stage: unkilled.ended[stage] - unkilled.begun[stage] for stage in STAGES}

    struck: Counter[str] = Counter()
    builds = 0
    while struck.total() < KILLS or set(struck) != set(STAGES):
        shop = factory.elsewhere(tmp_path / f"killed-{builds}")
        kill_on_the_way(shop, drawn, took, struck)
        assert_the_same(shop, whole)
        shutil.rmtree(shop.home)
        builds += 1
        print(f"{builds} builds, {struck.total()} kills: same dataset hash, nothing asked again, ledger in order")
    print(f"\n{'stage':<16}{'kills':>5}{'seconds unkilled':>20}")
    for stage in STAGES:
        print(f"{stage:<16}{struck[stage]:>5}{took[stage]:>20.1f}")


def kill_on_the_way(shop: Factory, drawn: random.Random, took: Mapping[str, float], struck: Counter[str]) -> None:
    """Build to the end, killed on the way; counts the kills by the stage that was at work."""
    accounts = Accounts(shop)
    for stage in sorted([*STAGES, *drawn.sample(STAGES, AGAIN)], key=STAGES.index):
        share, all_at_once = drawn.random(), drawn.random() < 0.5
        build = Watched(shop)
        if build.wait_for(stage):
            time.sleep(share * took[stage])
        hit = build.at
        if not hit:  # it came through before
            break
        build.kill(*alive(shop.home) if all_at_once else ())
        wait_for_the_last(shop.home)
        struck[hit] += 1
        accounts.note()
    Watched(shop).wait()
    assert not accounts.asked_again()
