"""What a refresh decides: each answer of people counts once, whatever is read again or killed in between."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from factory import settings as environment
from factory import spec as specs
from factory.drift.measure import Drift, Finding
from factory.feedback import decide as deciding
from factory.feedback.collect import Look
from factory.feedback.decide import Decision, State, decide
from factory.feedback.kept import Feedback, by_id
from factory.feedback.look import look as look_at
from tests import shop

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
LAST = "2026-03-01T11:00:00.000000+00:00"
NAME = "test/shop"


def look(verdict: str = "drift", last: str = LAST) -> Look:
    found = Drift("test/shop@1.0.0", "d-1", "", "", "", last, 0.05, 0.1, 0, 0, {}, (Finding("texts", verdict, ""),))  # type: ignore[arg-type]
    return Look("log", found, Path("findings.json"))


def seen(corrected: Sequence[tuple[int, str]] = (), unsure: Sequence[int] = ()) -> Feedback:
    return Feedback(
        by_id({"id": str(id), "text": f"text {id}", "label": label} for id, label in corrected),
        by_id({"id": str(id), "text": f"text {id}"} for id in unsure),
    )


def decided(found: Feedback, state: State, looks: Sequence[Look] = (), enough: int = 5) -> tuple[Decision, State]:
    return decide("test/shop@1.0.0", "quick", [Path("log")], Feedback(), found, 0, (), looks, state, enough, NOW)


answers = st.lists(st.tuples(st.integers(0, 40), st.sampled_from("ab")), max_size=30)


@given(st.lists(st.tuples(answers, st.booleans()), max_size=8), st.integers(1, 12))
def test_every_answer_is_built_with_once(days: list[tuple[list[tuple[int, str]], bool]], enough: int) -> None:
    state, log, counted = State(), Feedback(), 0
    for said, drifts in days:
        log = log.joined(seen(said))  # a log only grows
        before = state
        one, state = decided(log, state, [look()] if drifts else [], enough)
        assert one.rebuild == (drifts or one.corrected >= enough) and one.why
        if one.rebuild:
            counted += one.corrected
            again, same = decided(log, state, [], enough)
            assert not again.rebuild and again.corrected == 0 and same == state
        else:
            assert state == before  # what is too little today is counted again with tomorrow's
        assert counted == len(state.corrected)


@given(answers, answers, st.lists(st.integers(0, 40)))
def test_no_answer_is_lost_and_what_was_decided_is_unsure_no_longer(
    first: list[tuple[int, str]], later: list[tuple[int, str]], unsure: list[int]
) -> None:
    both = seen(first, unsure).joined(seen(later))
    assert {**dict(first), **dict(later)} == {int(id): row["label"] for id, row in both.corrected.items()}
    assert not both.corrected.keys() & both.unsure.keys()
    assert both.joined(seen(later)) == both


def test_the_reasons_are_said() -> None:
    one, _ = decided(seen([(number, "a") for number in range(5)], [7, 8]), State(), [look()])
    assert one.why == ("drift: texts in log", "5 new answers of people; 5 are enough")
    assert (one.corrected, one.unsure, one.drifted) == (5, 2, ("texts in log",))
    none, _ = decided(seen(), State(), [look("none")])
    assert none.why == ("no drift was found, and 0 new answers of people are fewer than 5",)
    silent, _ = decided(seen(), State())
    assert silent.why[0].startswith("nothing new could be tested for drift")


def test_an_answer_that_is_given_anew_counts_anew() -> None:
    _, state = decided(seen([(1, "a")]), State(), enough=1)
    assert decided(seen([(1, "b")]), state, enough=1)[0].rebuild


def test_decisions_in_which_drift_was_found_are_not_looked_at_again() -> None:
    _, state = decided(seen(), State(), [look()])
    after = datetime.fromisoformat(LAST) + timedelta(microseconds=1)
    assert state.begins(None, [Path("log"), Path("other")]) == {"log": after, "other": None}
    assert state.begins(NOW, [Path("log")]) == {"log": NOW}
    assert decided(seen(), State(), [look("none")])[1].begins(None, [Path("log")]) == {"log": None}


def test_what_is_kept_is_read_back_and_names_the_build_that_has_not_ended(tmp_path: Path) -> None:
    one, state = decided(seen([(1, "a")]), State(), [look()])
    deciding.keep(tmp_path, one)
    deciding.keep_state(tmp_path, NAME, state)
    assert deciding.read_state(tmp_path, NAME) == state
    assert deciding.read(tmp_path, NAME, state.pending) == one
    waits = deciding.ended(tmp_path, one, "waits for people", pending=True)
    assert deciding.read_state(tmp_path, NAME).pending and deciding.read(tmp_path, NAME, one.file) == waits
    deciding.ended(tmp_path, one, "1.1.0 is published", pending=False)
    assert deciding.read_state(tmp_path, NAME) == State(state.corrected, state.until)
    assert deciding.read(tmp_path, NAME, one.file).became == "1.1.0 is published"


def test_a_decision_that_was_killed_before_it_counted_is_closed_by_the_next(tmp_path: Path) -> None:
    shop.make_specialist(tmp_path / "prompts" / NAME, tmp_path / "gold", {})
    here = dataclasses.replace(environment.load(), home=tmp_path / "home", hub=str(tmp_path / "hub"))
    killed, _ = decided(seen([(1, "a")]), State(), [look()])
    deciding.keep(here.home, killed)  # and no state
    spec = specs.load(NAME, tmp_path / "prompts")
    later = look_at(spec, [], "quick", 5, None, here)
    assert not later.rebuild and later.file != killed.file
    assert deciding.read(here.home, NAME, killed.file).became == deciding.NOT_BEGUN
    again, state = decided(seen([(1, "a")]), State(), [look()])
    deciding.keep(here.home, again)
    deciding.keep_state(here.home, NAME, state)
    assert look_at(spec, [], "quick", 5, None, here) == again  # one that counts is gone on with
