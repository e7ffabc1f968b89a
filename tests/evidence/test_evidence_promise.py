"""The stated risk: what is recorded of it, by hand, whatever the answers, and in what people read."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory.evidence.circumstances import Circumstances
from factory.evidence.intervals import wilson
from factory.evidence.predictions import Predictions, answers
from factory.evidence.promise import FEWEST, by_label, measure
from factory.evidence.records import read_evidence, write_evidence
from factory.row import Gold, Span
from zoo.doubt import Doubt

NOTED = Circumstances("a machine", "abc123", "2026-01-01T00:00:00+00:00")


def system(*said: tuple[float, bool]) -> Predictions:
    """Answers of these confidences, right or not."""
    gold = [Gold(id=f"g{number}", text="x", label="a") for number in range(len(said))]
    labels = ["a" if right else "b" for _, right in said]
    scores = [{label: sure} for label, (sure, _) in zip(labels, said, strict=True)]
    return answers("student:int8", gold, labels, scores=scores)


@pytest.mark.parametrize(
    ("wrong", "verdict", "words"),
    [
        (5, "kept", "6.2 % of these are wrong (95 % interval 2.7 to 13.8 %): the promise was kept."),
        (8, "kept", "10.0 % of these are wrong"),
        (10, "unclear", "12.5 % of these are wrong (95 % interval 6.9 to 21.5 %): that does not tell"),
        (20, "broken", "25.0 % of these are wrong (95 % interval 16.8 to 35.5 %): the promise was broken."),
    ],
)
def test_by_hand(wrong: int, verdict: str, words: str) -> None:
    sure = [(0.9, number >= wrong) for number in range(80)]
    found = measure(system(*sure, *[(0.5, False)] * 20), 0.1, Doubt(0.9), NOTED)
    assert (found.answers, found.accepted, found.coverage, found.error) == (100, 80, 0.8, wrong / 80)
    assert found.verdict == verdict
    assert "At most 10.0 % of the answers that are not marked unsure should be wrong. On these rows 80.0 %" in (
        found.sentence
    )
    assert words in found.sentence


def test_without_a_threshold_nothing_is_promised() -> None:
    found = measure(system((0.9, True), (0.8, False)), 0.05, Doubt(), NOTED)
    assert (found.verdict, found.error, found.coverage, found.accepted) == ("none", None, None, None)
    assert "At most 5.0 %" in found.sentence and "nothing is promised, and nothing is marked unsure" in found.sentence


def test_where_nothing_is_sure_enough_nothing_is_known() -> None:
    found = measure(system((0.9, True)), 0.1, Doubt(0.99), NOTED)
    assert (found.verdict, found.accepted, found.error) == ("unclear", 0, None)
    assert "none of the 1 answers is sure enough" in found.sentence


def test_of_spans_every_found_span_counts() -> None:
    one, other = Span(start=0, end=1, label="A"), Span(start=2, end=3, label="A")
    gold = [Gold(id="g1", text="a b", spans=(one,)), Gold(id="g2", text="a b", spans=())]
    found = measure(answers("student:int8", gold, [(one, other), ()], scores=[[0.9, 0.4], []]), 0.1, Doubt(0.5), NOTED)
    assert (found.answers, found.accepted, found.error, found.verdict) == (2, 1, 0.0, "kept")
    assert "of the spans that are not marked unsure" in found.sentence


@given(
    said=st.lists(st.tuples(st.sampled_from([0.2, 0.5, 0.8, 1.0]), st.booleans()), min_size=1, max_size=40),
    risk=st.sampled_from([0.01, 0.1, 0.5]),
    threshold=st.sampled_from([0.0, 0.5, 0.9]),
)
def test_the_verdict_is_the_interval_s(said: list[tuple[float, bool]], risk: float, threshold: float) -> None:
    found = measure(system(*said), risk, Doubt(threshold), NOTED)
    accepted = [right for sure, right in said if sure >= threshold]
    assert found.accepted == len(accepted)
    if not accepted:
        assert found.verdict == "unclear"
        return
    error = wilson(accepted.count(False), len(accepted))
    assert (found.error, found.low, found.high) == (error.value, error.low, error.high)
    assert (found.verdict == "kept") == (error.value <= risk)
    assert (found.verdict == "broken") == (error.low > risk)


def labelled(*said: tuple[str, str, float]) -> Predictions:
    """Answers of one label where people gave another or the same, with confidences."""
    gold = [Gold(id=f"g{number}", text="x", label=people) for number, (_, people, _) in enumerate(said)]
    scores = [{label: sure} for label, _, sure in said]
    return answers("student:int8", gold, [label for label, _, _ in said], scores=scores)


def test_a_promise_kept_by_all_may_be_broken_for_one_label() -> None:
    often = [("a", "a", 0.9)] * 200
    wrong = [("b", "a", 0.9)] * 12 + [("b", "b", 0.9)] * 28
    unsure = [("c", "a", 0.2)] * 90
    few = [("d", "a", 0.9)] * (FEWEST - 1)
    said = labelled(*often, *wrong, *unsure)
    assert measure(said, 0.1, Doubt(0.5), NOTED).verdict == "kept"
    found = by_label(said, 0.1, Doubt(0.5), NOTED)
    assert [(one.label, one.accepted, one.verdict) for one in found] == [("b", 40, "broken"), ("a", 200, "kept")]
    assert (found[0].error, found[0].low) == (0.3, wilson(12, 40).low)
    assert "d" not in {one.label for one in by_label(labelled(*often, *few), 0.1, Doubt(0.5), NOTED)}


def test_a_label_with_a_threshold_of_its_own_is_promised_by_itself() -> None:
    sure = [("a", "a", 0.6)] * 40
    doubted = [("b", "a", 0.6)] * 10 + [("b", "b", 0.9)] * 30
    doubt = Doubt(0.5, {"b": 0.8})
    whole = measure(labelled(*sure, *doubted), 0.1, doubt, NOTED)
    assert (whole.accepted, whole.error, whole.threshold, whole.thresholds) == (70, 0.0, 0.5, {"b": 0.8})
    assert "should be wrong, and of those that say b by itself. On these rows" in whole.sentence
    found = by_label(labelled(*sure, *doubted), 0.1, doubt, NOTED)
    assert [(one.label, one.own, one.accepted) for one in found] == [("a", False, 40), ("b", True, 30)]


def test_without_a_common_threshold_labels_without_one_are_unsure() -> None:
    said = labelled(*[("a", "a", 1.0)] * 40, *[("b", "b", 0.9)] * 30)
    assert measure(said, 0.1, Doubt(None, {"b": 0.8}), NOTED).accepted == 30


def test_labels_have_no_promise_where_there_is_none() -> None:
    said = labelled(*[("a", "a", 0.9)] * 50)
    assert by_label(said, 0.1, Doubt(0.5), NOTED) and not by_label(said, 0.1, Doubt(), NOTED)
    worded = [Gold(id=f"g{number}", text="x", answer="so it is") for number in range(50)]
    given = answers("student:int8", worded, ["so it is"] * 50, scores=[[0.9]] * 50)
    assert not by_label(given, 0.1, Doubt(0.5), NOTED)


def test_types_of_spans_are_told_apart() -> None:
    one, other = Span(start=0, end=1, label="A"), Span(start=2, end=3, label="B")
    gold = [Gold(id=f"g{number}", text="a b", spans=(one,)) for number in range(40)]
    found = by_label(answers("s", gold, [(one, other)] * 40, scores=[[0.9, 0.8]] * 40), 0.1, Doubt(0.5), NOTED)
    assert [(each.label, each.accepted, each.error) for each in found] == [("B", 40, 1.0), ("A", 40, 0.0)]


@given(
    said=st.lists(
        st.tuples(st.sampled_from("ab"), st.sampled_from("ab"), st.sampled_from([0.2, 0.8])), min_size=1, max_size=150
    )
)
def test_labels_are_parts_of_the_whole(said: list[tuple[str, str, float]]) -> None:
    whole = measure(labelled(*said), 0.1, Doubt(0.5), NOTED)
    found = by_label(labelled(*said), 0.1, Doubt(0.5), NOTED)
    accepted = [label for label, _, sure in said if sure >= 0.5]
    assert {one.label: one.accepted for one in found} == {
        label: accepted.count(label) for label in "ab" if accepted.count(label) >= FEWEST
    }
    if sum(one.accepted for one in found) == whole.accepted and found:
        wrong = sum(round(one.error * one.accepted) for one in found)
        assert whole.error == pytest.approx(wrong / whole.accepted)


def test_it_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    doubt = Doubt(0.5, {"a": 0.6})
    found = [measure(system((0.9, True)), 0.1, doubt, NOTED), *by_label(system(*[(0.9, True)] * 30), 0.1, doubt, NOTED)]
    assert len(found) == 2
    write_evidence(tmp_path / "evidence.jsonl", found)
    assert read_evidence(tmp_path / "evidence.jsonl") == found
