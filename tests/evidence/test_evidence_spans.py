"""Entity figures are those of seqeval's definition; intervals, gate and records rest on them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory.evidence import intervals, spans
from factory.evidence.circumstances import Circumstances
from factory.evidence.evaluate import compare, measure
from factory.evidence.gate import judge
from factory.evidence.predictions import Predictions, answers, read_predictions, write_predictions
from factory.evidence.records import ClassFigures, Coverage, Record, Reliability, SpanMistakes, gold_hash
from factory.evidence.sample import sample
from factory.evidence.saying import Saying
from factory.row import Gold, Span
from factory.spec_gate import Requirement

NOTED = Circumstances("a machine", "abc123", "2026-01-01T00:00:00+00:00")


def span(start: int, end: int, label: str = "A") -> Span:
    return Span(start=start, end=end, label=label)


@st.composite
def span_sets(draw: st.DrawFn) -> tuple[Span, ...]:
    cuts = sorted(draw(st.sets(st.integers(0, 12), max_size=7)))
    kinds = [draw(st.sampled_from("AB-")) for _ in cuts[1:]]
    pairs = zip(cuts, cuts[1:], kinds, strict=False)
    return tuple(span(start, end, kind) for start, end, kind in pairs if kind != "-")


ROWS = st.lists(st.tuples(span_sets(), st.one_of(st.none(), span_sets())), min_size=1, max_size=6)


@given(ROWS)
def test_strict_figures_count_entities_over_all_rows(
    rows: list[tuple[tuple[Span, ...], tuple[Span, ...] | None]],
) -> None:
    gold, said = zip(*rows, strict=True)
    there = {(n, one) for n, some in enumerate(gold) for one in some}
    claimed = {(n, one) for n, some in enumerate(said) for one in some or ()}
    right = len(there & claimed)
    precision, recall = (right / len(some) if some else 0.0 for some in (claimed, there))
    f1 = 2 * precision * recall / (precision + recall) if right else 0.0
    found = [intervals.value_of(metric, gold, said) for metric in intervals.OF_SPANS[:3]]
    assert found == pytest.approx([f1, precision, recall])


def best_pairs(people: list[Span], somebody: list[Span]) -> int:
    """The most pairs there can be, by trying all."""
    if not people:
        return 0
    first, rest = people[0], people[1:]
    found = best_pairs(rest, somebody)
    for one in somebody:
        if one.label == first.label and one.start < first.end and first.start < one.end:
            found = max(found, 1 + best_pairs(rest, [other for other in somebody if other != one]))
    return found


@given(span_sets(), span_sets())
def test_relaxed_pairs_are_as_many_as_there_can_be(people: tuple[Span, ...], somebody: tuple[Span, ...]) -> None:
    counts = spans.by_row([people], [somebody], relaxed=True)
    assert counts.right[0] == best_pairs(list(people), list(somebody))
    assert counts.right[0] >= spans.by_row([people], [somebody]).right[0]


@given(ROWS)
def test_every_span_of_people_is_right_or_a_mistake_of_one_sort(
    rows: list[tuple[tuple[Span, ...], tuple[Span, ...] | None]],
) -> None:
    gold, said = zip(*rows, strict=True)
    for one in spans.by_type(gold, said):
        assert one.strict.right + one.boundaries + one.type + one.missed == one.strict.there
        assert one.invented <= one.strict.claimed - one.strict.right


def test_mistakes_by_name() -> None:
    gold = [(span(0, 4), span(6, 9, "B"), span(12, 15))]
    said = [(span(0, 3), span(6, 9), span(20, 22))]
    a, b = spans.by_type(gold, said)
    assert (a.label, a.boundaries, a.type, a.missed, a.invented) == ("A", 1, 0, 1, 1)
    assert (b.label, b.boundaries, b.type, b.missed, b.invented) == ("B", 0, 1, 0, 0)


def rows_of(n: int) -> list[Gold]:
    return [Gold(id=f"g{i}", text="x" * 20, spans=(span(0, 3), span(5, 9, "B")) if i % 3 else ()) for i in range(n)]


GOLD = rows_of(300)


def system(who: str, right: float, gold: list[Gold] = GOLD, scored: bool = False) -> Predictions:
    """Finds all spans of about this share of rows, and one with a wrong end in the others."""
    said, scores = [], []
    for number, row in enumerate(gold):
        good = (number * 37 % 100) / 100 < right
        said.append(row.spans if good else (span(0, 4),))
        scores.append([0.9 if good else 0.4] * len(said[-1] or ()))
    return answers(who, gold, said, scores=scores if scored else None)


def test_an_interval_is_that_of_resampled_rows() -> None:
    one = system("student", 0.7)
    found = intervals.bootstrap("span_f1", one.gold, one.predicted)
    rng = np.random.default_rng(1)
    again = []
    for _ in range(400):
        drawn = rng.integers(0, 300, 300)
        again.append(intervals.value_of("span_f1", [one.gold[i] for i in drawn], [one.predicted[i] for i in drawn]))
    assert found.low < found.value < found.high
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(again, [0.025, 0.975])), abs=0.012)


def test_a_difference_is_paired_and_nothing_to_itself() -> None:
    a, b = system("student", 0.9), system("teacher", 0.5)
    found = compare(a, b, NOTED, "span_f1")
    assert found.low > 0 and found.difference == pytest.approx(found.value - found.other) and found.p is None
    same = compare(a, a, NOTED, "relaxed_f1")
    assert (same.difference, same.low, same.high) == (0, 0, 0)


def test_the_gate_judges_spans() -> None:
    gate = [Requirement(better_than="features", metric="span_f1"), Requirement(at_least=0.6, metric="span_f1")]
    found = judge(gate, system("student:int8", 0.9), {"features": system("features", 0.5)}, GOLD, NOTED)
    assert found.passed and [line.n for line in found.lines] == [300, 300]
    assert found.lines[0].requirement == "span F1 better than features"
    assert "logistic regression on words' features" in found.lines[0].sentence
    worse = judge(gate, system("student:int8", 0.5), {"features": system("features", 0.9)}, GOLD, NOTED)
    assert [line.passed for line in worse.lines] == [False, False]


def test_everything_that_is_said_of_spans() -> None:
    one = system("student:int8", 0.8, scored=True)
    records = measure(one, NOTED)
    by = {record.metric: record for record in records if isinstance(record, Record)}
    assert set(by) == {*intervals.OF_SPANS, "texts_right", "answered", "ece", "brier", "aurc"}
    assert by["answered"].value == 1.0 and by["texts_right"].value == pytest.approx(0.8, abs=0.02)
    assert all(r.low is not None and r.low <= r.value <= (r.high or 0) for r in by.values() if "f1" in r.metric)
    assert by["relaxed_f1"].value > by["span_f1"].value
    assert by["brier"].value < 0.1 and by["ece"].value > 0.05  # 0.9 where all are right
    kinds = {kind: [r for r in records if isinstance(r, kind)] for kind in (ClassFigures, SpanMistakes, Coverage)}
    assert [r.label for r in kinds[ClassFigures]] == [r.label for r in kinds[SpanMistakes]] == ["A", "B"]
    assert all(r.relaxed_f1 is not None and r.relaxed_f1 >= r.f1 for r in kinds[ClassFigures])
    recalls = [r.recall for r in kinds[Coverage]]
    assert recalls == sorted(recalls, reverse=True) and recalls[0] == pytest.approx(by["span_recall"].value)
    assert kinds[Coverage][0].risk == pytest.approx(1 - by["span_precision"].value)
    assert {r.rows for r in records} == {gold_hash(GOLD)}


def test_intervals_are_wider_by_what_spans_of_one_text_err_together() -> None:
    gold = [
        Gold(id=str(n), text="ab cd ef gh", spans=tuple(span(3 * at, 3 * at + 2) for at in range(4))) for n in range(90)
    ]
    sure = [(0.9 - n / 1000,) * 4 for n in range(90)]
    together = [
        row.spans if n % 3 else tuple(span(3 * at, 3 * at + 1) for at in range(4)) for n, row in enumerate(gold)
    ]
    found = {
        kind: [
            one for one in measure(answers("student:int8", gold, together, scores=sure), NOTED) if isinstance(one, kind)
        ]
        for kind in (Coverage, Reliability)
    }
    whole = found[Coverage][0]
    apart, as_texts = intervals.wilson(120, 360), intervals.wilson(30, 90)
    assert whole.risk == pytest.approx(apart.value)
    assert whole.high - whole.low > 1.8 * (apart.high - apart.low)  # four spans of a text are worth one
    assert (whole.low, whole.high) == pytest.approx((as_texts.low, as_texts.high), abs=0.01)
    assert sum(one.count for one in found[Reliability]) == 360
    for one in found[Reliability]:
        alone = intervals.wilson(round(one.right * one.count), one.count)
        assert one.high - one.low > 1.5 * (alone.high - alone.low)


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans(), st.integers(0, 4)), min_size=1, max_size=40))
def test_an_interval_is_never_narrower_for_telling_texts(rows: list[tuple[int, bool, int]]) -> None:
    sure, right, texts = zip(*((a / 5, b, c) for a, b, c in rows), strict=True)
    said = Saying(system("student", 0.5), NOTED)
    for tell in (said.coverages, said.reliability):
        told: list[tuple[Any, Any]] = list(zip(tell(sure, right, texts), tell(sure, right), strict=True))
        for one, other in told:
            assert one.low <= other.low + 1e-12 and other.high <= one.high + 1e-12
            assert one.model_copy(update={"low": 0, "high": 0}) == other.model_copy(update={"low": 0, "high": 0})
        assert tell(sure, right, range(len(rows))) == tell(sure, right), "a text an answer: as if none were told"


def test_who_finds_nothing_is_measured_too() -> None:
    none = answers("teacher", GOLD, [None] * 300, scores=[None] * 300)
    by = {record.metric: record.value for record in measure(none, NOTED) if isinstance(record, Record)}
    assert by["span_f1"] == by["answered"] == by["texts_right"] == 0.0 and "ece" not in by
    empty = answers("lexicon", GOLD, [()] * 300, scores=[()] * 300)
    found = {record.metric: record.value for record in measure(empty, NOTED) if isinstance(record, Record)}
    assert found["texts_right"] == pytest.approx(1 / 3) and found["answered"] == 1.0 and "ece" not in found


def test_answers_are_kept_and_read(tmp_path: Path) -> None:
    one = system("student:int8", 0.8, scored=True)
    write_predictions(tmp_path / "p.jsonl", one)
    assert read_predictions(tmp_path / "p.jsonl") == one


def test_a_sample_has_every_set_of_types() -> None:
    found = sample(GOLD, 12)
    assert {bool(row.spans) for row in found} == {True, False}
