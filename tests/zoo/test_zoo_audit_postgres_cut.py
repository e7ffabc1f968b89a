"""A log in a real PostgreSQL: many writers, kills, crashes, and every way to it cut; nothing is lost or doubled."""

from __future__ import annotations

import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest
from audit_logs import MODEL, SURE, add, forked, killed_again_and_again

import zoo
from tests.cut import Way
from tests.postgres import Server, served
from zoo.audit import verify
from zoo.audit.reading import events
from zoo.audit.record import DECISION, GAP
from zoo.errors import Unrecorded

pytestmark = pytest.mark.real
COMMIT = b"COMMIT\0"  # and not BEGIN ISOLATION LEVEL READ COMMITTED


def by(way: Way, url: str) -> str:
    """The same database, by this way."""
    base = url.partition("?")[0]
    return f"{base}?host=127.0.0.1&port={way.port}"


def test_writers_are_killed_and_nothing_that_was_told_is_lost(url: str, tmp_path: Path) -> None:
    zoo.AuditLog(url).close()
    chance = random.Random(5)  # a writer takes the first half of its time to begin
    told, writers = killed_again_and_again(url, tmp_path, lambda: 0.3 + 0.5 * chance.random())
    found = verify(url)
    assert found.problems == () and found.files > 1
    assert found.decisions - len(told) <= 4 * writers  # added, and killed before that was told
    assert set(told) <= {id for id, _ in events(url, DECISION)}


def test_a_server_that_crashes_again_and_again_loses_nothing_and_doubles_nothing(tmp_path: Path) -> None:
    with served() as server:
        log = zoo.AuditLog(server.url(), on_trouble="block", keep_text=True)
        told: list[str] = []

        def work(who: int) -> None:
            for number in range(60):
                told.extend(add(log, f"{who} {number}"))
                time.sleep(0.02)

        with ThreadPoolExecutor(3) as threads:
            working = [threads.submit(work, who) for who in range(3)]
            crashes = 0
            while not all(one.done() for one in working):
                time.sleep(0.7)
                server.stop("immediate")
                server.start()
                crashes += 1
            assert [one.result() for one in working] == [None] * 3 and crashes >= 2
        found = verify(server.url())
        assert (found.problems, found.decisions) == ((), 180)
        assert sorted(told) == sorted(id for id, _ in events(server.url(), DECISION))
        assert len({one["text"] for _, one in events(server.url(), DECISION)}) == 180


@pytest.mark.parametrize("trouble", ["fail", "shed", "block"])
def test_a_commit_whose_answer_is_lost_is_asked_after(url: str, way: Way, trouble: Any) -> None:
    log = zoo.AuditLog(by(way, url), on_trouble=trouble, timeout=30)
    add(log, "first")
    for cut in (COMMIT, b"INSERT"):
        way.word = cut
        cuts = way.cuts
        try:
            (id,) = add(log, "cut")
        except Unrecorded:
            id = None
        assert way.cuts == cuts + 1
        # The server had the COMMIT, so the record is there, and its id is told. What came before is undone.
        assert (id is not None) == (cut == COMMIT or trouble == "block")
    add(log, "last")
    found = verify(url)
    assert (found.problems, found.lost) == ((), 1 if trouble == "shed" else 0)
    assert found.decisions == (4 if trouble == "block" else 3)


@pytest.mark.parametrize("trouble", ["fail", "shed", "block"])
def test_a_database_that_is_gone_is_what_the_setting_says(url: str, way: Way, trouble: Any) -> None:
    log, done = zoo.AuditLog(by(way, url), on_trouble=trouble, keep_text=True, timeout=10), threading.Event()
    add(log, "first")
    way.word, way.shuts = COMMIT, True  # it is there, and nobody can know

    def late() -> None:
        add(log, "in doubt")
        done.set()

    if trouble == "fail":
        with pytest.raises(Unrecorded, match="can't be told"):
            add(log, "in doubt")
        with pytest.raises(Unrecorded, match="can't be reached"):
            add(log, "not there")
    elif trouble == "shed":
        assert add(log, "in doubt") == add(log, "not there") == [None]
    else:
        waiting = threading.Thread(target=late)
        waiting.start()
        assert not done.wait(1.5)
    way.shut = False
    if trouble == "block":
        waiting.join(30)
        assert done.is_set()
    add(log, "last")
    texts = [one["text"] for _, one in events(url, DECISION)]
    assert texts == ["first", "in doubt", "last"], "what was in doubt is there, and once"
    assert verify(url).problems == ()
    gaps = [(one["lost"], one["why"].partition(":")[0]) for _, one in events(url, GAP)]
    assert gaps == ([(2, "The audit log's database can't be reached")] if trouble == "shed" else [])


def test_a_connection_that_was_lost_between_two_calls_is_made_anew(postgres: Server, url: str) -> None:
    log = zoo.AuditLog(url)
    add(log, "first")
    postgres.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'specialist%'")
    add(log, "second")
    assert verify(url).decisions == 2


def test_who_waits_too_long_for_a_turn_is_told(url: str) -> None:
    log = zoo.AuditLog(url, timeout=0.3)
    add(log, "first")
    with psycopg.connect(url) as other:
        other.execute("SELECT * FROM zoo_audit.head FOR UPDATE")
        begun = time.monotonic()
        with pytest.raises(Unrecorded, match="no turn to write came in"):
            add(log, "second")
        assert time.monotonic() - begun < 5
    add(log, "third")
    assert verify(url).decisions == 2


def test_a_log_is_verified_while_others_write(url: str) -> None:
    log, stop = zoo.AuditLog(url), threading.Event()

    def write() -> None:
        while not stop.is_set():
            add(log, "a", "b")

    with ThreadPoolExecutor(1) as threads:
        writing = threads.submit(write)
        try:
            counts = [(one.decisions, one.problems) for one in (verify(url) for _ in range(10))]
        finally:
            stop.set()
        writing.result()
    assert {problems for _, problems in counts} == {()} and counts[0][0] < counts[-1][0]


def test_a_forked_process_writes_on_by_itself(url: str) -> None:
    log = zoo.AuditLog(url)
    forked(log)
    add(log, "and again")
    assert (verify(url).decisions, verify(url).problems) == (8, ())


def test_many_threads_share_a_log(url: str) -> None:
    log = zoo.AuditLog(url, timeout=60)  # eight wait for one another, perhaps on a busy machine
    with ThreadPoolExecutor(8) as threads:
        ids = list(threads.map(lambda number: add(log, str(number))[0], range(200)))
    assert len(set(ids)) == 200
    assert (log.verify().decisions, log.verify().problems) == (200, ())
    assert log.record(MODEL, [], [], []) == [] and SURE
