"""Answers in words are measured by their likeness to people's, their length, and what they copy or invent."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory.evidence import evaluate, intervals
from factory.evidence.circumstances import Circumstances
from factory.evidence.decision import Worded
from factory.evidence.predictions import answers
from factory.evidence.records import Coverage, Record
from factory.row import Gold
from factory.wording import rouge_l, rouge_n

WORDS = st.lists(st.sampled_from(["a", "b", "c"]), max_size=7)


@given(WORDS, WORDS, st.integers(1, 3))
def test_rouge_n_counts_every_shared_run_once(one: list[str], other: list[str], n: int) -> None:
    found = rouge_n(" ".join(one), " ".join(other), n)
    runs = [[tuple(some[at : at + n]) for at in range(len(some) - n + 1)] for some in (one, other)]
    if not all(runs):
        assert found == float(runs[0] == runs[1])
        return
    left, shared = list(runs[1]), 0
    for run in runs[0]:
        if run in left:
            left.remove(run)
            shared += 1
    assert found == pytest.approx(2 * shared / sum(map(len, runs))) and 0.0 <= found <= 1.0
    assert found == pytest.approx(rouge_n(" ".join(other), " ".join(one), n))
    assert rouge_l(" ".join(one), " ".join(other)) <= rouge_n(" ".join(one), " ".join(other), 1) + 1e-9


@given(st.lists(st.tuples(WORDS, WORDS), min_size=1, max_size=6))
def test_the_mean_is_of_rows_and_its_interval_holds_it(rows: list[tuple[list[str], list[str]]]) -> None:
    gold, said = [Worded(answer=" ".join(a)) for a, _ in rows], [" ".join(b) for _, b in rows]
    for metric in intervals.OF_WORDS:
        found = intervals.bootstrap(metric, gold, said)
        assert found.low <= found.value <= found.high
        same = intervals.paired(metric, gold, said, said)
        assert (same.value, same.low, same.high) == (0.0, 0.0, 0.0)
    mean = sum(rouge_l(one.answer, other) for one, other in zip(gold, said, strict=True)) / len(gold)
    assert intervals.value_of("rouge_l", gold, said) == pytest.approx(mean)


def test_a_difference_is_paired_by_row() -> None:
    gold = [Worded(answer=f"is number {number} lost today") for number in range(40)]
    good, bad = [one.answer for one in gold], [f"is number {number} found" for number in range(40)]
    found = intervals.paired("rouge_l", gold, good, bad)
    assert found.low == pytest.approx(found.value) == pytest.approx(found.high), "every row differs by as much"
    assert found.value == pytest.approx(1 - 2 * 3 / 9)


def test_everything_that_is_said_of_answers() -> None:
    gold = [Gold(id=str(n), text=f"we lost {n} hats in York", answer=f"Where are {n} hats?") for n in range(1, 9)]
    said: list[str | None] = [row.answer for row in gold]
    said[0], said[1], said[2] = None, "we lost 2 hats in York", "Where are 99 hats from Leeds?"
    one = answers("student", gold, said, scores=[(1 - n / 10,) for n in range(8)])
    assert one.kind == "generation" and one.rights == [False, False, *[True] * 6]
    records = evaluate.measure(one, Circumstances(), {row.id: row.text for row in gold})
    by = {record.metric: record.value for record in records if isinstance(record, Record)}
    assert set(by) == {*intervals.OF_WORDS, "alike", "answered", "length", "copied", "foreign", "aurc"}
    assert (by["alike"], by["answered"], by["foreign"]) == (6 / 8, 7 / 8, 1 / 7)
    assert by["length"] == (6 + 6 + 5 * 4) / (7 * 4)
    assert by["copied"] == pytest.approx((1.0 + 1 / 6 + 5 * 2 / 4) / 7)
    assert next(record.risk for record in records if isinstance(record, Coverage)) == 2 / 8
    other = answers("lead", gold, [row.text for row in gold])
    assert evaluate.compare(one, other, Circumstances(), "rouge_l").low > 0.0


def test_names_are_not_looked_for_where_all_nouns_are_written_as_they_are() -> None:
    gold = [Gold(id="1", text="ich verlor in York mein Haus", answer="Wo ist es?")]
    one = answers("student", gold, ["Wo ist die Wohnung?"])
    texts = {"1": gold[0].text}
    found = {
        language: next(
            record.value
            for record in evaluate.measure(one, Circumstances(), texts, language)
            if isinstance(record, Record) and record.metric == "foreign"
        )
        for language in ("de", "en")
    }
    assert found == {"de": 0.0, "en": 1.0}
