"""The published version beside the one that is to follow it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from factory.evidence.circumstances import Circumstances
from factory.evidence.predictions import Predictions, answers
from factory.evidence.records import Comparison, GateLine
from factory.publish import compare
from factory.row import Gold
from factory.span import Span
from zoo.errors import BrokenSpecialist
from zoo.manifest import FileEntry, Manifest

LABELS = ("a", "b")
NOTED = Circumstances()


def manifest(version: str, weights: str, labels: Sequence[str] = LABELS) -> Manifest:
    files = {name: FileEntry(weights * 64, 9) for name in ("tokenizer.json", "onnx/model_int8.onnx")}
    return Manifest(
        name="test/mood", version=version, title="Mood", language="en", labels=tuple(labels), max_tokens=8,
        licence="mit", created="2026-01-01", lineage={"dataset": "d-1"}, files=files,
    )  # fmt: skip


FIRST, SECOND = manifest("1.9.0", "1"), manifest("1.10.0", "2")


def test_a_candidate_follows_the_newest_version() -> None:
    assert compare.before([], manifest("1.0.0", "3")) is None
    assert compare.before([SECOND, FIRST], manifest("1.0.0", "3")) == SECOND


def test_a_candidate_that_is_published_already_follows_the_version_before_it() -> None:
    assert compare.before([FIRST, SECOND], replace(SECOND, version="1.0.0")) == FIRST
    assert compare.before([FIRST, replace(SECOND, forced=True)], SECOND) == FIRST
    assert compare.before([FIRST, SECOND], FIRST) is None


def test_versions_with_other_labels_are_no_comparison() -> None:
    assert compare.before([FIRST, SECOND], manifest("2.0.0", "3", ("a", "b", "c"))) is None
    assert compare.before([FIRST, manifest("2.0.0", "4", "abc")], manifest("1.0.0", "3", ("b", "a"))) == FIRST


def said_by(who: str, right: Sequence[bool]) -> Predictions:
    gold = [Gold(id=str(n), text=f"text {n}", label=LABELS[n % 2]) for n in range(len(right))]
    return answers(who, gold, [LABELS[(n + (not one)) % 2] for n, one in enumerate(right)])


def judged(ours: Sequence[bool], theirs: Sequence[bool]) -> tuple[Comparison, GateLine]:
    mine, other = said_by("student:int8", ours), said_by("version 1.10.0", theirs)
    comparison, line = compare.judge(mine, other, ["accuracy"], NOTED)
    assert isinstance(comparison, Comparison) and isinstance(line, GateLine)
    return comparison, line


def test_clearly_worse_fails_with_its_figures() -> None:
    comparison, line = judged([True] * 70 + [False] * 30, [True] * 100)
    assert not line.passed and comparison.high < 0.0
    assert (line.value, line.low, line.high) == (comparison.difference, comparison.low, comparison.high)
    assert comparison.against == "version 1.10.0" and comparison.p is not None and comparison.p < 0.001
    assert "70.0 % accuracy against 100.0 % of version 1.10.0: -30.0 points" in line.sentence
    assert "clearly worse, on the same 100 rows" in line.sentence


def test_a_little_worse_passes() -> None:
    comparison, line = judged([True] * 95 + [False] * 5, [True] * 94 + [False] * 4 + [True] * 2)
    assert comparison.difference < 0.0 < comparison.high
    assert line.passed and "not clearly worse" in line.sentence


def test_rows_are_paired() -> None:
    """The same two accuracies, 70 and 76 of 100: told apart only where the rows that differ are the same way round."""
    one_way = judged([True] * 70 + [False] * 30, [True] * 76 + [False] * 24)[1]
    both_ways = judged([True] * 70 + [False] * 30, [False] * 24 + [True] * 76)[1]
    assert not one_way.passed and both_ways.passed


@given(st.lists(st.booleans(), min_size=30, max_size=80))
def test_nobody_is_clearly_worse_than_itself_and_not_both_than_each_other(right: list[bool]) -> None:
    assert judged(right, right)[1].passed
    other = right[1:] + right[:1]
    assert judged(right, other)[1].passed or judged(other, right)[1].passed


def test_a_published_version_that_cannot_be_asked_fails_every_line() -> None:
    ours, why = said_by("student:int8", [True] * 40), BrokenSpecialist("A file is not the one that was published.")
    lines = compare.unasked(ours, SECOND, ["accuracy", "macro_f1"], why, NOTED)
    assert [(line.requirement, line.passed, line.n) for line in lines] == [
        ("accuracy not clearly below version 1.10.0", False, 40),
        ("macro-F1 not clearly below version 1.10.0", False, 40),
    ]
    assert lines[0].sentence == "Version 1.10.0 can't be asked: A file is not the one that was published."


def test_spans_are_compared_by_spans() -> None:
    gold = [Gold(id=str(n), text="gout", spans=(Span(start=0, end=4, label="Disease"),)) for n in range(40)]
    found = answers("version 1.0.0", gold, [row.spans for row in gold])
    missed = answers("student:int8", gold, [()] * 40)
    _, line = compare.judge(missed, found, ["span_f1"], NOTED)
    assert isinstance(line, GateLine) and not line.passed
    assert line.requirement == "span F1 not clearly below version 1.0.0" and "-100.0 points" in line.sentence
