"""A shadow: the current version's answers are what they were, whatever the candidate does."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from audit_logs import KINDS, sql
from rolled import Scripted, always, raising

import zoo
from zoo.audit.reading import events
from zoo.audit.record import DIFFERENCE, ROLLOUT
from zoo.errors import BadInput
from zoo.rollout.agreement import agree, gist
from zoo.rollout.background import Background

TEXTS = [f"word{number}" for number in range(30)]


def by_number(text: str) -> str:
    return "positive" if int(text.removeprefix("word")) % 3 else "negative"


def test_two_real_versions_answer_as_one(hub: Path) -> None:
    current, candidate = (zoo.load(f"finance/sentiment@{version}", hub=hub) for version in ("1.0.0", "1.2.0"))
    shadow = zoo.Shadow(current, candidate)
    assert shadow.predict(TEXTS, scores=True) == current.predict(TEXTS, scores=True)
    assert shadow.predict("word1") == current.predict("word1")
    assert (shadow.name, shadow.version, shadow.labels) == ("finance/sentiment", "1.0.0", current.labels)
    assert (shadow.manifest, shadow.folder) == (current.manifest, current.folder)
    assert shadow.wait(20)
    assert (shadow.compared.compared, shadow.compared.different, shadow.compared.failed) == (31, 0, 0)
    with pytest.raises(BadInput, match="empty"):
        shadow.predict(["word1", " "])
    assert shadow.predict([]) == []
    assert str(shadow) == "<zoo.Shadow finance/sentiment@1.0.0, beside it finance/sentiment@1.2.0>"


def test_differences_are_counted_by_pair_and_some_are_kept() -> None:
    shadow = zoo.Shadow(Scripted("1.0.0", always("positive")), Scripted("1.1.0", by_number), sample=2)
    shadow.predict(TEXTS)
    assert shadow.wait(20)
    found = shadow.compared
    assert (found.compared, found.different, found.pairs) == (30, 10, {("positive", "negative"): 10})
    assert [one.text for one in found.sample] == ["word0", "word3"]
    assert (found.sample[0].current.label, found.sample[0].candidate.label) == ("positive", "negative")
    lenient = zoo.Shadow(shadow.current, shadow.candidate, same=lambda one, other: True)
    lenient.predict(TEXTS)
    assert lenient.wait(20) and lenient.compared.different == 0


def test_a_candidate_that_fails_costs_nobody_an_answer() -> None:
    def some(text: str) -> Any:
        if text == "word7":
            raise RuntimeError("no")
        return "positive"

    current = Scripted("1.0.0", always("positive"))
    for candidate, failed in ((Scripted("1.1.0", some), 1), (Scripted("1.1.0", raising(MemoryError())), 30)):
        shadow = zoo.Shadow(current, candidate)
        assert [answer.label for answer in shadow.predict(TEXTS)] == ["positive"] * 30
        assert shadow.wait(20)
        assert (shadow.compared.failed, shadow.compared.compared) == (failed, 30 - failed)
        assert "no" in shadow.compared.trouble or "MemoryError" in shadow.compared.trouble
    short = Scripted("1.1.0", always("positive"))
    short.predict = lambda text, **how: []  # type: ignore[assignment]
    shadow = zoo.Shadow(current, short)
    shadow.predict("word1")
    assert shadow.wait(20) and "0 answers to 1 texts" in shadow.compared.trouble


def test_a_slow_candidate_is_waited_for_by_nobody_and_its_queue_is_bounded() -> None:
    go = threading.Event()

    def slow(text: str) -> str:
        assert go.wait(20)
        return "positive"

    shadow = zoo.Shadow(Scripted("1.0.0", always("positive")), Scripted("1.1.0", slow), queue=10)
    begun = time.monotonic()
    shadow.predict(TEXTS[:5])
    while shadow._background.room() < 10:  # until the first piece is at work
        time.sleep(0.001)
    for _ in range(3):
        assert len(shadow.predict(TEXTS[:7])) == 7
    assert time.monotonic() - begun < 10
    assert shadow.compared.dropped == 21 - 10
    assert not shadow.wait(0.01)
    go.set()
    assert shadow.wait(20)
    assert (shadow.compared.compared, shadow.compared.dropped) == (15, 11)


def test_many_threads_lose_no_count() -> None:
    shadow = zoo.Shadow(Scripted("1.0.0", always("positive")), Scripted("1.1.0", by_number), queue=100_000)
    threads = [threading.Thread(target=lambda: [shadow.predict(TEXTS) for _ in range(20)]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert shadow.wait(20)
    assert (shadow.compared.compared, shadow.compared.different) == (4800, 1600)
    assert not [thread for thread in threading.enumerate() if thread.name == "zoo-shadow"]


def test_the_audit_log_has_decisions_differences_and_counts(tmp_path: Path) -> None:
    log = zoo.AuditLog(tmp_path / "log", keep_text=True)
    with zoo.Shadow(Scripted("1.0.0", always("positive")), Scripted("1.1.0", by_number), log=log, sample=3) as shadow:
        said = zoo.audited(shadow, log).predict(TEXTS)
        assert shadow.wait(20)
    assert {log.find(str(one.id))["model"] for one in said} == {"finance/sentiment@1.0.0"}
    differences = [value for _, value in events(log.folder, DIFFERENCE)]
    assert [value["text"] for value in differences] == ["word0", "word3", "word6"]
    answered = [(one["model"], one["answer"]["label"]) for one in differences[0]["answers"]]
    assert answered == [("finance/sentiment@1.0.0", "positive"), ("finance/sentiment@1.1.0", "negative")]
    (counts,) = [value for _, value in events(log.folder, ROLLOUT)]
    assert (counts["what"], counts["compared"], counts["different"]) == ("compared", 30, 10)
    assert counts["pairs"] == [["positive", "negative", 10]]
    assert log.verify().problems == ()
    shadow.close()
    assert len(list(events(log.folder, ROLLOUT))) == 1, "nothing new was counted"


def test_a_log_that_takes_nothing_costs_nobody_an_answer(tmp_path: Path) -> None:
    log = zoo.AuditLog(tmp_path / "log")
    shadow = zoo.Shadow(Scripted("1.0.0", always("positive")), Scripted("1.1.0", always("negative")), log=log)
    (log.folder / "head.json").unlink()
    assert shadow.predict("word1").label == "positive"
    shadow.close()
    assert (shadow.compared.compared, shadow.compared.unrecorded) == (1, 2)


def test_pairs_and_examples_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zoo.rollout.differences.MOST", 4)
    shadow = zoo.Shadow(Scripted("1.0.0", always("positive")), Scripted("1.1.0", lambda text: text), sample=1)
    shadow.predict(TEXTS)
    assert shadow.wait(20)
    found = shadow.compared
    assert len(found.pairs) == 5 and found.pairs["others", "others"] == 26 and len(found.sample) == 4


@pytest.mark.parametrize(
    ("kind", "word"),
    [
        ("label", "positive"),
        ("decision", "negative"),
        ("spans", "Company"),
        ("values", "company + years"),
        ("words", "words"),
    ],
)
def test_what_is_the_same_by_kind(kind: str, word: str) -> None:
    import copy
    import dataclasses

    one: Any = KINDS[kind]
    assert agree(one, copy.deepcopy(one)) and gist(one) == word
    others: dict[str, Any] = {
        "label": lambda: dataclasses.replace(one, label="neutral"),
        "decision": lambda: dataclasses.replace(one, label="neutral"),
        "spans": lambda: [dataclasses.replace(one[0], end=13)],
        "values": lambda: dataclasses.replace(one, values={**one.values, "years": [1]}),
        "words": lambda: dataclasses.replace(one, text="ACME rose"),
    }
    assert not agree(one, others[kind]())


def test_what_can_not_be(tmp_path: Path) -> None:
    current = Scripted("1.0.0", always("positive"))
    log = zoo.AuditLog(tmp_path / "log")
    for what, says in (
        (lambda: zoo.Shadow(current, Scripted("1.1.0", len, kind="spans")), "of another kind"),
        (lambda: zoo.Shadow(current, object()), "not of object"),  # type: ignore[arg-type]
        (lambda: zoo.Shadow(zoo.audited(current, log), current), "not of Audited"),
        (lambda: zoo.Shadow(current, current, queue=0), "queue must be"),
        (lambda: zoo.Shadow(current, current, sample=-1), "sample must be"),
    ):
        with pytest.raises(BadInput, match=says):
            what()


def test_work_that_raises_ends_no_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Any] = []
    monkeypatch.setattr(threading, "excepthook", told.append)
    done: list[int] = []

    def work(number: int) -> None:
        done.append(1 // number)

    background = Background(work, 10)
    assert background.put(0, 1) and background.wait(20)
    assert background.put(1, 1) and background.wait(20)
    assert done == [1] and len(told) == 1


def test_without_a_thread_nothing_is_left_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    shadow = zoo.Shadow(Scripted("1.0.0", always("positive")), Scripted("1.1.0", always("positive")))
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", none)
        assert shadow.predict("word1").label == "positive"
    assert shadow.compared.dropped == 1
    shadow.predict("word1")
    assert shadow.wait(20) and shadow.compared.compared == 1


def test_a_fork_begins_a_queue_of_its_own() -> None:
    go = threading.Event()
    shadow = zoo.Shadow(
        Scripted("1.0.0", always("positive")), Scripted("1.1.0", lambda text: "positive" if go.wait(20) else "")
    )
    shadow.predict(TEXTS[:3])
    child = os.fork()
    if child == 0:
        go.set()
        good = shadow.wait(0) and shadow.predict("word1").label == "positive" and shadow.wait(20)
        os._exit(0 if good and shadow.compared.compared == 1 else 1)
    go.set()
    assert os.waitpid(child, 0)[1] == 0
    assert shadow.wait(20) and shadow.compared.compared == 3


def test_a_log_that_was_damaged_is_found_in_differences_too(tmp_path: Path) -> None:
    log = zoo.AuditLog(tmp_path / "log")
    with zoo.Shadow(Scripted("1.0.0", always("positive")), Scripted("1.1.0", always("negative")), log=log) as shadow:
        shadow.predict("word1")
    assert log.verify().problems == ()
    sql(log.folder, "UPDATE records SET record = replace(record, '1.1.0', '1.0.0') WHERE number = 1")
    assert "Record 1 was changed" in log.verify().problems[0]
