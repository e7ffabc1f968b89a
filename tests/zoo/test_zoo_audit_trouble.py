"""Many writers, kills at any moment, disks that are full or closed: the chain stays one, and what was told is there."""

from __future__ import annotations

import os
import random
import shutil
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from audit_logs import MODEL, SURE, UNSURE, add, killed_again_and_again

import zoo
from tests.disk import close, fill, small_disk
from zoo.audit import head, verify
from zoo.audit.head import Head
from zoo.errors import Unrecorded


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with small_disk(tmp_path / "disk", 4) as place:
        yield place


def test_writers_are_killed_and_nothing_that_was_told_is_lost(tmp_path: Path) -> None:
    folder, chance = tmp_path / "audit", random.Random(5)
    told, writers = killed_again_and_again(folder, tmp_path, lambda: 0.3 * chance.random())
    log = zoo.AuditLog(folder)
    found = log.verify()
    assert found.problems == () and found.files > 1
    assert found.decisions - len(told) <= 4 * writers  # added, and killed before that was told
    assert {log.find(id)["event"] for id in random.Random(5).sample(told, 50)} == {"decision"}
    add(log, "more")
    assert log.verify().problems == ()


def test_killed_before_there_was_anything_it_begins_anew(tmp_path: Path) -> None:
    (tmp_path / head.FILE).touch()
    log = zoo.AuditLog(tmp_path)
    add(log, "a text")
    found = log.verify()
    assert found.problems == () and found.decisions == 1


def test_killed_at_any_moment_of_making_its_first_file_it_can_be_verified(tmp_path: Path) -> None:
    chance = random.Random(5)
    for number in range(150):
        log = zoo.AuditLog(tmp_path / f"{number}")
        child = os.fork()
        if child == 0:
            try:
                add(log, "a text")
            finally:
                os._exit(0)
        time.sleep(0.004 * chance.random())
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        assert verify(log.folder).problems == ()
        add(log, "another")
        assert log.verify().problems == ()


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_kill_on_either_side_of_the_commit_leaves_a_whole_chain(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    log = zoo.AuditLog(tmp_path / "audit")
    add(log, "first")
    child = os.fork()
    if child == 0:
        said, write = [], head.write

        def last_words(folder: Path, value: Head, *, sync: bool) -> None:
            said.append(value)
            if len(said) == (1 if moment == "before" else 2):
                if moment == "before":
                    write(folder, value, sync=sync)
                os.kill(os.getpid(), signal.SIGKILL)
            write(folder, value, sync=sync)

        try:
            head.write = last_words
            add(log, "second", "third")
        finally:
            os._exit(1)
    assert os.WIFSIGNALED(os.waitpid(child, 0)[1])
    found = log.verify()
    assert (found.decisions, found.problems) == (1 if moment == "before" else 3, ())
    add(log, "fourth")
    assert log.verify().problems == ()


def test_threads_write_one_chain_while_it_is_verified(tmp_path: Path) -> None:
    log, done = zoo.AuditLog(tmp_path / "audit", megabytes=0.05, timeout=60), threading.Event()
    found = []

    def look() -> None:
        while not done.is_set():
            found.append(verify(log.folder))

    with ThreadPoolExecutor(5) as pool:
        looking = pool.submit(look)
        ids = list(pool.map(lambda number: add(log, f"{number} a", f"{number} b"), range(150)))
        done.set()
        looking.result()
    assert len({id for pair in ids for id in pair}) == 300
    assert [one.problems for one in found] == [()] * len(found) and len(found) > 1
    assert (log.verify().decisions, log.verify().problems) == (300, ())


@pytest.mark.parametrize("trouble", ["fail", "shed", "block"])
def test_a_disk_that_is_full_for_a_while(disk: Path, trouble: str) -> None:
    log = zoo.AuditLog(disk / "audit", on_trouble=trouble)  # type: ignore[arg-type]
    told = add(log, *(f"before {number}" for number in range(50)))
    ballast = fill(disk)
    batch, refused = [f"text {number}" for number in range(200)], 0
    if trouble == "block":
        threading.Timer(0.5, ballast.unlink).start()
        told += [id for _ in range(20) for id in add(log, *batch, said=UNSURE)]
    for _ in range(20 if trouble != "block" else 0):
        try:
            told += [id for id in add(log, *batch) if id]
        except Unrecorded as error:
            assert "disk" in str(error)
            refused += 200
    if trouble != "block":
        assert refused + log.lost > 0
        assert verify(disk / "audit").problems == ()  # what is there is whole, and can be read
        ballast.unlink()
    told += add(log, "after")
    found = log.verify()
    assert (found.problems, found.decisions, found.lost) == ((), len(told), log.lost)


def test_a_log_on_a_disk_that_cannot_be_written_is_verified_and_takes_nothing(disk: Path, tmp_path: Path) -> None:
    log = zoo.AuditLog(tmp_path / "audit")
    add(log, "first")
    log.close()
    folder = Path(shutil.copytree(log.folder, disk / "audit"))
    close(disk)
    assert (verify(folder).decisions, verify(folder).problems) == (1, ())
    with pytest.raises(Unrecorded, match="can't be written"):
        zoo.AuditLog(folder).record(MODEL, ["second"], [SURE], [0.0])
