"""`make soak`: 365 nights on which a refresh is due, with kills, outages and full disks; then the books are closed.

Every day some traffic goes through the zoo with an audit log; on some days people correct answers there, or answer rows
in Argilla, and for some weeks customers write otherwise than they used to. Every night the refresh runs that is on the
schedule. Trouble is drawn, oftener for nights on which there is something to build: SIGKILL at any moment, of the
refresh or of all that it has started, a teacher that is away, a hub that nobody may write, a full disk, an Argilla or
Prefect that was killed. Then the next day goes on. Files are made a day older each day, and so is what Prefect's
database holds, so that FACTORY_KEEP_DAYS has its effect.

FACTORY_SOAK_DAYS asks for another number of days, FACTORY_SOAK_MINUTES for the books to be closed after as many minutes
of days, however many they were; FACTORY_SOAK_SEED repeats what was drawn. Takes an hour on a machine that does nothing
else.
"""

from __future__ import annotations

import dataclasses
import os
import random
import signal
import sqlite3
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import psutil
import pytest

import zoo
from factory import spec as specs
from factory.alone import builder
from factory.feedback import decide
from factory.publish.hub import open_hub
from factory.services.argilla.server import ArgillaServer
from factory.services.prefect import PrefectServer
from factory.services.process import free_port
from factory.services.service import Service
from factory.settings import Settings
from tests import shop
from tests.disk import close, fill, reopen, small_disk
from tests.flows import books
from tests.flows.nightly import Refresh
from tests.flows.world import World
from tests.review.reviewer import Reviewer
from zoo.yanked import given

DAYS = int(os.environ.get("FACTORY_SOAK_DAYS") or 365)
MINUTES = float(os.environ.get("FACTORY_SOAK_MINUTES") or "inf")
KEEP_DAYS = 30
ENOUGH = 80
SEASON, SHIFTED = 90, 70  # days; from which of them on customers write otherwise
SMALL = {"generate": 36, "label": 12, "judge": 30, "review": 30, "measure_teacher": 12, "epochs": 3}
NAME = "test/year"
LONGEST = 420.0  # seconds that a night may take
TROUBLES = ("kill", "kill", "kill", "kill of one", "kill of one", "teacher", "teacher", "hub", "disk", "disk", "server")
TROUBLED = {True: 0.45, False: 0.08}  # share of nights with something to build, and without
PROFILE = """active = "year"
[profiles.year]
PREFECT_SERVER_SERVICES_DB_VACUUM_LOOP_SECONDS = "30"
"""


@dataclasses.dataclass
class Year:
    """The factory of that year, and what it has been through.

    Attributes:
        world: with a home on a disk of its own, and a hub on another.
        drawn: decides what happens.
        log: the audit log.
        disk, hub: where they are mounted.
        logs: what each night said.
        given: row id to label, of every answer in Argilla.
        corrected: how many answers people gave in the audit log.
    """

    world: World
    drawn: random.Random
    log: Path
    disk: Path
    hub: Path
    logs: Path
    given: dict[str, str] = dataclasses.field(default_factory=dict)
    corrected: int = 0
    texts: int = 0
    deck: list[str] = dataclasses.field(default_factory=list)

    @property
    def settings(self) -> Settings:
        return self.world.settings

    def versions(self) -> list[str]:
        """What the hub gives out, oldest first."""
        return [str(one) for one in sorted(given(open_hub(self.settings.hub), NAME))]

    def traffic(self, day: int) -> None:
        """Customers ask, and on some days people say what is right of some answers."""
        shifted = day % SEASON >= SHIFTED
        texts = [self._text(shifted) for _ in range(self.drawn.randint(15, 30))]
        looked_at = self.drawn.randint(4, 14) if self.drawn.random() < 0.2 else 0
        with zoo.AuditLog(self.log, keep_text=True) as kept:
            answers = zoo.audited(zoo.load(NAME, hub=self.settings.hub), kept).predict(texts)
            for text, answer in list(zip(texts, answers, strict=True))[:looked_at]:
                kept.correct(str(answer.id), shop.label_of(text), who="r-1")
                self.corrected += 1

    def _text(self, shifted: bool) -> str:
        self.texts += 1
        label = self.drawn.choice(list(shop.WORDS))
        if shifted:
            return f"{self.drawn.choice(shop.WORDS[label])} number {self.texts} please, and quickly"
        return shop.text_of(label, 600 + self.texts)

    def answer(self) -> None:
        """Somebody answers a few rows in Argilla."""
        server = ArgillaServer(self.settings)
        server.start()
        person = Reviewer(server, specs.load(NAME, self.settings.prompts))
        unseen = [row_id for row_id in person.records if row_id not in self.given]
        for row_id in self.drawn.sample(unseen, min(len(unseen), 4)):
            label = shop.label_of(person.records[row_id]["fields"]["text"])
            person.respond(row_id, "submitted", label=label)
            self.given[row_id] = label

    def due(self, day: int) -> bool:
        """Whether there may be something to build, as far as one can tell before."""
        state = decide.read_state(self.settings.home, NAME)
        enough = self.corrected - len(state.corrected) >= ENOUGH
        return bool(state.pending) or enough or day % SEASON in (0, SHIFTED)

    def trouble(self) -> str:
        """The next trouble: each comes round before any comes too often."""
        self.deck = self.deck or self.drawn.sample(TROUBLES, len(TROUBLES))
        return self.deck.pop()

    def night(self, day: int, trouble: str) -> int:
        """The refresh, and its trouble; the status it ended with."""
        arguments = [NAME, "--log", str(self.log), "--enough", str(ENOUGH)]
        with ExitStack() as after:
            moment = self.drawn.uniform(0.2, 40.0 if self.due(day) else 5.0)
            if trouble == "teacher":
                self.world.teacher.leave()
                after.callback(self.world.teacher.come_back)
            elif trouble == "hub":
                close(self.hub)
                after.callback(reopen, self.hub)
            elif trouble == "server":
                kill(self.drawn.choice([PrefectServer, ArgillaServer])(self.settings))
            elif trouble == "disk" and self.drawn.random() < 0.3:  # full before it begins
                after.callback(fill(self.disk).unlink)
                moment = LONGEST
            refresh = Refresh(arguments, self.world.environment, self.logs / f"{day:03d}.log")
            if trouble in ("kill", "kill of one", "disk") and not refresh.wait(moment):
                if trouble == "disk":
                    after.callback(fill(self.disk).unlink)
                else:
                    refresh.kill(all_of_it=trouble == "kill")
            if not refresh.wait(LONGEST):
                refresh.kill(all_of_it=True)
                pytest.fail(f"night {day} ({trouble or 'calm'}) did not end: {refresh.log.read_text()}")
        until(lambda: builder(NAME, self.settings) is None)  # a build whose refresh was killed goes on to its end
        return refresh.status

    def a_day_passes(self) -> None:
        """All files of the home and the hub get older, and all runs that Prefect knows."""
        home = self.settings.home
        folders = [home / name for name in ("builds", "refresh", "drift", "waiting", "feedback", "run")]
        for folder in (*folders, self.hub):
            for path in (folder, *folder.rglob("*")):
                with suppress(FileNotFoundError):
                    moment = path.lstat().st_mtime - 86_400
                    os.utime(path, (moment, moment), follow_symlinks=False)
        with sqlite3.connect(home / "prefect" / "prefect.db", timeout=60) as runs:
            for table, moment in (("flow_run", "end_time"), ("events", "occurred"), ("event_resources", "occurred")):
                earlier = f"strftime('%Y-%m-%d %H:%M:%f', {moment}, '-1 day') || '000'"
                runs.execute(f"UPDATE {table} SET {moment} = {earlier} WHERE {moment} IS NOT NULL")  # noqa: S608
        runs.close()


@pytest.fixture
def year(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Year]:
    """A home on a disk that can be filled, a hub on one that can be closed, Prefect and Argilla of their own."""
    seed = int(os.environ.get("FACTORY_SOAK_SEED") or random.SystemRandom().randrange(1_000_000))
    print(f"\nFACTORY_SOAK_SEED={seed}")
    with small_disk(tmp_path / "disk", 1500) as disk, small_disk(tmp_path / "hub", 500) as hub:
        home, logs, temporary = disk / "home", tmp_path / "nights", tmp_path / "temporary"
        for folder in (home / "prefect", logs, temporary):
            folder.mkdir(parents=True)
        (home / "weights").symlink_to(world.settings.weights.resolve())
        (home / "prefect" / "profiles.toml").write_text(PROFILE)
        ports = {name: free_port() for name in ("argilla_port", "prefect_port", "watch_port")}
        own = dataclasses.replace(
            world.settings, home=home, hub=str(hub), review="argilla", keep_days=KEEP_DAYS, **ports
        )  # fmt: skip
        changed = {
            "FACTORY_HOME": str(home),
            "FACTORY_HUB": str(hub),
            "FACTORY_REVIEW": "argilla",
            "FACTORY_KEEP_DAYS": str(KEEP_DAYS),
            "TMPDIR": str(temporary),
            **{f"FACTORY_{name.upper()}": str(port) for name, port in ports.items()},
        }
        world.prefect.stop()  # of the home that is shared
        prefect = PrefectServer(own)
        for name, value in (changed | prefect.environment()).items():
            monkeypatch.setenv(name, value)
        prefect.start(timeout=600.0)
        made = dataclasses.replace(world, settings=own, prefect=prefect, environment=world.environment | changed)
        made.specialist(NAME, budgets={"quick": SMALL, "full": SMALL})
        yield Year(made, random.Random(seed), tmp_path / "log", disk, hub, logs)
        for server in (ArgillaServer(own), prefect):
            server.stop()


def test_a_year_of_refreshes(year: Year, tmp_path: Path) -> None:
    first = year.world.run(NAME)
    assert first.returncode == 0, first.stdout
    struck: Counter[str] = Counter()
    sizes: dict[int, books.Sizes] = {}
    begun = time.monotonic()
    for day in range(1, DAYS + 1):
        year.a_day_passes()
        year.traffic(day)
        if year.drawn.random() < 0.15:
            year.answer()
        due, last = year.due(day), day == DAYS or time.monotonic() - begun > 60 * MINUTES
        trouble = year.trouble() if year.drawn.random() < TROUBLED[due] and not last else ""
        since = time.monotonic()
        status = year.night(day, trouble)
        pending = decide.read_state(year.settings.home, NAME).pending
        struck[trouble or "calm"] += 1
        took = time.monotonic() - since
        if status or due or trouble or took > 10 or day % 20 == 0:
            told = f"ended with {status} after {took:.0f} s, {year.versions()[-1]}{', goes on' if pending else ''}"
            print(f"day {day}: {trouble or 'calm'}, {told}")
            sys.stdout.flush()
        if not trouble:  # whatever came before
            assert status in (0, 3) and not pending, (year.logs / f"{day:03d}.log").read_text()
        sizes[day] = books.sizes(year.settings)
        if last:
            break
    print(f"{day} days in {time.monotonic() - begun:.0f} s: {dict(struck)}")
    books.closed(year.settings, NAME, year.given, year.corrected, tmp_path)
    books.bounded(sizes, year.logs)


def kill(server: Service) -> None:
    """SIGKILL for a server and all that it has started."""
    with suppress(FileNotFoundError, ValueError, psutil.NoSuchProcess):
        own = psutil.Process(int((server._settings.home / "run" / f"{server.name}.pid").read_text()))
        for process in (*own.children(recursive=True), own):
            process.send_signal(signal.SIGKILL)


def until(happened: Callable[[], bool], seconds: float = 600.0) -> None:
    """Wait for it."""
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end
        time.sleep(0.05)
