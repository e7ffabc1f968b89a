"""A canary: who answers what, when it is taken back, and what is recorded of it."""

from __future__ import annotations

import logging
import math
import random
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rolled import Scripted, always, raising

import zoo
from zoo.audit.reading import events
from zoo.audit.record import DIFFERENCE, ROLLOUT
from zoo.errors import BadInput, Unrecorded
from zoo.rollout import sequential
from zoo.rollout.routing import falls

TEXTS = [f"word{number}" for number in range(400)]
OLD, NEW = "finance/sentiment@1.0.0", "finance/sentiment@1.1.0"


def pair(say: Any, **how: Any) -> zoo.Canary[Any]:
    """A canary of a version that says `positive`, and one that answers so."""
    return zoo.Canary(Scripted("1.0.0", always("positive")), Scripted("1.1.0", say), **{"share": 0.5, **how})


def candidates(canary: zoo.Canary[Any], **how: Any) -> list[str]:
    """The texts that the candidate answers."""
    return [text for text, one in zip(TEXTS, canary.given(TEXTS, **how), strict=True) if one.model == NEW]


def test_two_real_versions_answer_as_one(hub: Path) -> None:
    current, candidate = (zoo.load(f"finance/sentiment@{version}", hub=hub) for version in ("1.0.0", "1.2.0"))
    canary = zoo.Canary(current, candidate, share=0.5)
    assert canary.predict(TEXTS[:40], scores=True) == current.predict(TEXTS[:40], scores=True)
    assert canary.predict("word1") == current.predict("word1")
    assert canary.predict([]) == []
    assert 5 < canary.health.asked < 35 and canary.health.disagreements == 0
    with pytest.raises(BadInput, match="text 1"):
        canary.predict(["word1", " "])
    canary.promote(who="me")
    assert (canary.version, canary.folder, canary.state) == ("1.2.0", candidate.folder, "promoted")
    assert canary.predict("word1") == candidate.predict("word1")


def test_the_share_is_stable_and_grows_without_moving_anybody() -> None:
    small, large = candidates(pair(always("positive"), share=0.2)), candidates(pair(always("positive"), share=0.6))
    assert small == candidates(pair(always("positive"), share=0.2))
    assert set(small) < set(large)
    assert 50 < len(small) < 110 and 190 < len(large) < 290
    assert candidates(pair(always("positive"), share=0.0)) == []
    assert candidates(pair(always("positive"), share=1.0)) == TEXTS


def test_a_key_tells_who_answers() -> None:
    canary = pair(always("positive"))
    key = next(key for key in "abcdefgh" if falls(key, 0.5, NEW))
    other = next(key for key in "abcdefgh" if not falls(key, 0.5, NEW))
    assert candidates(canary, key=key) == TEXTS and candidates(canary, key=other) == []
    keys = [key if number % 2 else other for number in range(len(TEXTS))]
    assert candidates(canary, key=keys) == TEXTS[1::2]
    canary.predict("word1", key=key)
    with pytest.raises(BadInput, match="key must be"):
        canary.predict(TEXTS, key=["too few"])


@settings(max_examples=40)
@given(st.text(), st.floats(0, 1), st.floats(0, 1))
def test_routing_is_monotone_in_the_share(key: str, one: float, other: float) -> None:
    small, large = sorted((one, other))
    assert falls(key, large, "salt") or not falls(key, small, "salt")
    assert falls(key, 1.0, "salt") and not falls(key, 0.0, "salt")


def test_a_candidate_that_fails_costs_no_text_its_answer_and_is_taken_back(caplog: pytest.LogCaptureFixture) -> None:
    canary = pair(raising(RuntimeError("broken")))
    with caplog.at_level(logging.ERROR, "zoo.rollout"):
        found = [canary.given([text])[0] for text in TEXTS]
    assert {(one.answer.label, one.model) for one in found} == {("positive", OLD)}
    assert canary.state == "rolled back"
    assert canary.health.errors == canary.health.asked <= 3, "two or three failures in a row are enough"
    assert len(caplog.messages) == 1 and "errors is beyond 0.01" in caplog.messages[0]


def test_a_candidate_that_answers_otherwise_is_taken_back_and_one_that_keeps_to_the_bound_is_not() -> None:
    def every(number: int) -> Any:
        return lambda text: "neutral" if int(text.removeprefix("word")) % number == 0 else "positive"

    bad, good = pair(every(2), share=1.0, disagreement=0.1), pair(every(20), share=1.0, disagreement=0.1)
    for text in TEXTS:
        bad.predict(text)
        good.predict(text)
    assert bad.state == "rolled back" and bad.health.asked < 60
    assert good.state == "running" and good.health.asked == 400
    assert good.health.within["disagreement"] > good.health.beyond["disagreement"]
    assert not [one for one in bad.given(TEXTS) if one.model == NEW]


def test_the_batch_that_shows_it_is_answered_by_the_current_version() -> None:
    canary = pair(always("neutral"), share=1.0)
    assert {one.model for one in canary.given(TEXTS)} == {OLD}


def test_a_text_that_only_the_candidate_can_t_read_counts_as_one_error() -> None:
    def picky(text: str) -> str:
        if text == "word7":
            raise BadInput("I can't read this.")
        return "positive"

    canary = pair(picky, share=1.0)
    found = canary.given(TEXTS)
    assert [place for place, one in enumerate(found) if one.model == OLD] == [7]
    assert (canary.health.errors, canary.health.asked, canary.state) == (1, 400, "running")


def test_a_candidate_that_hangs_is_left_behind() -> None:
    go = threading.Event()
    canary = pair(lambda text: "positive" if go.wait(20) else "", share=1.0, timeout=0.05)
    assert [canary.predict(text).label for text in TEXTS[:5]] == ["positive"] * 5
    assert canary.state == "rolled back" and canary.compared.trouble == "TimeoutError: no answer in 0.05 s"
    assert canary.health.asked == 2
    go.set()
    swift = pair(always("positive"), share=1.0, timeout=20)
    assert candidates(swift) == TEXTS


def test_what_becomes_of_it_is_recorded(tmp_path: Path) -> None:
    log = zoo.AuditLog(tmp_path / "log")
    canary = pair(always("neutral"), share=0.5, log=log, sample=2)
    said = zoo.audited(canary, log).predict(TEXTS[:3])
    for one in said:
        assert log.find(str(one.id))["model"] == one.model
    zoo.audited(canary, log).predict(TEXTS)
    assert canary.state == "rolled back"
    begun, back = [value for _, value in events(log.folder, ROLLOUT)]
    assert (begun["what"], begun["share"], begun["disagreement"]) == ("begun", 0.5, 0.1)
    assert (back["what"], back["current"], back["candidate"], back["who"]) == ("rolled back", OLD, NEW, "zoo.Canary")
    assert "disagreement is beyond 0.1" in back["why"] and back["pairs"] == [["positive", "neutral", back["different"]]]
    assert len(list(events(log.folder, DIFFERENCE))) == 2
    assert log.verify().problems == ()

    other = pair(always("positive"), log=log, again=True)
    other.promote(who="r-17")
    *_, told = [value for _, value in events(log.folder, ROLLOUT)]
    assert (told["what"], told["who"]) == ("promoted", "r-17")
    assert zoo.audited(other, log).predict("word1").model == NEW
    other.roll_back(who="r-17", why="complaints")
    assert zoo.audited(other, log).predict("word1").model == OLD


def test_what_became_of_it_outlives_the_process(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    log = zoo.AuditLog(tmp_path / "log", keep_text=True)
    zoo.audited(pair(always("neutral"), log=log), log).predict(['"event":"rollout"', *TEXTS])
    assert pair(always("neutral"), log=log).state == "rolled back"
    assert "as the audit log has it" in caplog.text
    other = zoo.Canary(Scripted("1.0.0", always("positive")), Scripted("1.2.0", always("positive")), share=1, log=log)
    assert other.state == "running", "it is another candidate"
    again = pair(always("positive"), log=log, again=True)
    assert again.state == "running" and pair(always("positive"), log=log).state == "running"
    again.promote(who="me")
    again.close()
    assert pair(always("positive"), log=log).state == "promoted"
    assert len([one for one in log.rollouts(OLD, NEW) if one["what"] == "begun"]) == 3


def test_one_commit_holds_both_versions_decisions(tmp_path: Path) -> None:
    log = zoo.AuditLog(tmp_path / "log")
    said = zoo.audited(pair(always("positive"), share=0.5), log).predict(TEXTS)
    models = [log.find(str(one.id))["model"] for one in said]
    assert models == [one.model for one in said] and set(models) == {OLD, NEW}


def test_a_roll_back_waits_for_no_log_and_a_promotion_does(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = zoo.AuditLog(tmp_path / "log")
    good, bad = pair(always("positive"), log=log), pair(raising(RuntimeError()), log=log)
    assert bad.state == "running"

    def full(*_: Any, **__: Any) -> None:
        raise Unrecorded("The disk is full.", where="there")

    monkeypatch.setattr(log._chain, "append", full)
    with pytest.raises(Unrecorded):
        good.promote(who="me")
    assert good.state == "running"
    with pytest.raises(Unrecorded):
        good.roll_back(who="me")
    assert good.state == "rolled back"
    bad.predict(TEXTS)
    assert bad.state == "rolled back" and "could not be recorded: The disk is full." in caplog.text


def test_people_decide_once_and_say_who() -> None:
    canary = pair(always("positive"))
    with pytest.raises(BadInput, match="Nobody says"):
        canary.promote(who=" ")
    canary.roll_back(who="me")
    for decide in (canary.promote, canary.roll_back):
        with pytest.raises(BadInput, match="is rolled back already"):
            decide(who="me")


def test_threads_roll_back_once(tmp_path: Path) -> None:
    log = zoo.AuditLog(tmp_path / "log")
    canary = pair(always("neutral"), share=1.0, log=log, sample=0)
    threads = [threading.Thread(target=lambda: [canary.predict(text) for text in TEXTS[:50]]) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [value["what"] for _, value in events(log.folder, ROLLOUT)] == ["begun", "rolled back"]


def test_what_can_not_be() -> None:
    for how, says in (
        ({"share": 1.1}, "share must be"),
        ({"share": float("nan")}, "share must be"),
        ({"errors": 0.0}, "errors must be"),
        ({"disagreement": 1.0}, "disagreement must be"),
        ({"alpha": 2.0}, "alpha must be"),
        ({"timeout": 0}, "timeout must be"),
    ):
        with pytest.raises(BadInput, match=says):
            pair(always("positive"), **how)
    with pytest.raises(BadInput, match=r"other labels than .*: odd, positive"):
        zoo.Canary(
            Scripted("1.0.0", always("neutral")),
            Scripted("2.0.0", always("odd"), labels=("negative", "neutral", "odd")),
            share=0.1,
        )


def test_the_evidence_is_a_fair_bet_at_the_bound_and_a_losing_one_below_it() -> None:
    """What makes it honest: whatever was seen, its mean after one more text is no larger than it is now."""
    for evidence, below in ((sequential.beyond, True), (sequential.within, False)):
        for trials in range(0, 60, 7):
            for counted in range(0, trials + 1, 5):
                now = evidence(counted, trials, 0.1)
                ends = evidence(counted + 1, trials + 1, 0.1), evidence(counted, trials + 1, 0.1)
                for rate in (0.1, 0.05 if below else 0.4):
                    mean = rate * ends[0] + (1 - rate) * ends[1]
                    assert mean <= now * (1 + 1e-9)
                    if rate == 0.1:
                        assert mean == pytest.approx(now)


def test_looking_after_every_text_is_seldom_wrong_and_finds_what_is_bad() -> None:
    """Simulated: a rate at the bound passes 40 (alpha = 0.025) in at most 2.5 % of the runs; three times it, in all."""
    draw = random.Random(1)

    def ever(rate: float, looks: int = 300) -> bool:
        counted = 0
        for trials in range(1, looks + 1):
            counted += draw.random() < rate
            if sequential.beyond(counted, trials, 0.1) >= 40:
                return True
        return False

    wrong = sum(ever(0.1) for _ in range(120))
    assert wrong <= 9, "more than chance allows: of 120 runs 3 are expected at most; over 9 has a chance below 1 %"
    assert all(ever(0.3) for _ in range(20))


@given(st.integers(0, 3000), st.integers(0, 3000), st.floats(1e-6, 1 - 1e-6))
def test_evidence_is_a_number_whatever_was_counted(counted: int, more: int, bound: float) -> None:
    for evidence in (sequential.beyond, sequential.within):
        found = evidence(counted, counted + more, bound)
        assert math.isfinite(found) and found >= 0
