"""The gate, and the records that it and the report rest on."""

from __future__ import annotations

from pathlib import Path

import pytest

from factory.errors import DataError
from factory.evidence.circumstances import Circumstances, commit, hardware, here
from factory.evidence.evaluate import compare, measure
from factory.evidence.gate import judge
from factory.evidence.predictions import (
    Prediction,
    Predictions,
    answers,
    read_predictions,
    write_predictions,
)
from factory.evidence.records import Comparison, Coverage, Record, gold_hash, read_evidence, write_evidence
from factory.evidence.speed import from_seconds
from factory.evidence.speed import measure as time_it
from factory.row import Gold
from factory.spec_gate import Requirement

NOTED = Circumstances("a machine", "abc123", "2026-01-01T00:00:00+00:00")
GOLD = [Gold(id=f"g{number}", text=f"text {number}", label="abc"[number % 3]) for number in range(300)]


def system(who: str, right: float, gold: list[Gold] = GOLD, **more: object) -> Predictions:
    """Right on about this share of rows, spread evenly."""
    said = [
        row.label if (number * 37 % 100) / 100 < right else "abc"[("abc".index(row.label) + 1) % 3]
        for number, row in enumerate(gold)
    ]
    return answers(who, gold, said, **more)  # type: ignore[arg-type]


BETTER = [Requirement(better_than="teacher"), Requirement(better_than="tfidf", metric="macro_f1")]


def test_passes() -> None:
    student = system("student:int8", 0.9)
    found = judge(BETTER, student, {"teacher": system("teacher", 0.5), "tfidf": system("tfidf", 0.6)}, GOLD, NOTED)
    assert found.passed
    line = found.lines[0]
    assert line.requirement == "accuracy better than teacher"
    assert (line.value, line.n, line.commit, line.who) == (pytest.approx(0.4), 300, "abc123", "student:int8")
    assert line.low is not None
    assert line.low > 0
    assert "90.0 % accuracy against 50.0 % of the teacher: +40.0 points" in line.sentence
    assert "clear of zero, on the same 300 rows." in line.sentence


def test_a_difference_that_may_be_chance_fails() -> None:
    student = system("student", 0.72)
    found = judge(BETTER[:1], student, {"teacher": system("teacher", 0.72)}, GOLD)
    assert not found.passed
    assert "not clear of zero" in found.lines[0].sentence
    close = judge(BETTER[:1], student, {"teacher": answers("teacher", GOLD, [None, *student.predicted[1:]])}, GOLD)
    assert not close.passed


def test_paired_on_the_rows_both_answered() -> None:
    some = GOLD[10:110]
    teacher = system("teacher", 0.5, some, sample="stratified 100 of 300, seed 13")
    line = judge(BETTER[:1], system("student", 0.9), {"teacher": teacher}, GOLD).lines[0]
    assert line.n == 100
    assert line.rows == gold_hash(some)
    assert line.sample == "stratified 100 of 300, seed 13"
    assert "on the same 100 rows, which are few (below 200)" in line.sentence


def test_a_missing_opponent_fails() -> None:
    found = judge(BETTER, system("student", 0.9), {"teacher": system("teacher", 0.5)}, GOLD)
    assert [line.passed for line in found.lines] == [True, False]
    assert "no answers of 'tfidf'" in found.lines[1].sentence


def test_a_handful_of_rows_shows_nothing() -> None:
    few = GOLD[:10]
    found = judge(
        [Requirement(better_than="teacher"), Requirement(at_least=0.1)],
        system("student", 1.0, few), {"teacher": system("teacher", 0.0, few)}, few,
    )  # fmt: skip
    assert [line.passed for line in found.lines] == [False, False]
    assert all("too few to show anything" in line.sentence for line in found.lines)


@pytest.mark.parametrize("metric", ["accuracy", "macro_f1"])
def test_floor_is_for_the_lower_end(metric: str) -> None:
    student = system("student", 0.9)

    def passed(floor: float) -> bool:
        return judge([Requirement(at_least=floor, metric=metric)], student, {}, GOLD).passed  # type: ignore[arg-type]

    assert passed(0.85)
    assert not passed(0.89), "90 % is above 89 %, its lower end is not"


def test_an_empty_gate_is_no_pass() -> None:
    found = judge([], system("student", 1.0), {}, GOLD)
    assert not found.passed
    assert "asks for nothing" in found.lines[0].sentence


def test_other_rows_are_refused() -> None:
    with pytest.raises(DataError, match="exactly the gold rows"):
        judge(BETTER, system("student", 0.9, GOLD[1:]), {}, GOLD)
    relabelled = [GOLD[0].model_copy(update={"label": "c"}), *GOLD[1:]]
    with pytest.raises(DataError, match="teacher was measured on rows that are not gold rows"):
        judge(BETTER, system("student", 0.9), {"teacher": system("teacher", 0.5, relabelled)}, GOLD)
    with pytest.raises(DataError, match="disagree"):
        compare(system("a", 0.5), system("b", 0.5, relabelled), NOTED)
    with pytest.raises(DataError, match="row in common"):
        compare(system("a", 0.5, GOLD[:5]), system("b", 0.5, GOLD[5:]), NOTED)


def test_records_of_a_system_without_scores(tmp_path: Path) -> None:
    said = answers("teacher", GOLD[:4], ["a", None, "c", "b"])
    records = measure(said, NOTED)
    figures = {one.metric: one for one in records if isinstance(one, Record)}
    assert figures["accuracy"].value == 0.5
    assert figures["answered"].value == 0.75
    assert set(figures) == {"accuracy", "macro_f1", "micro_f1", "answered"}
    assert figures["accuracy"].rows == gold_hash(GOLD[:4])
    assert not [one for one in records if isinstance(one, Coverage)]
    path = tmp_path / "evidence.jsonl"
    both = [*records, compare(said, said, NOTED)]
    write_evidence(path, both)
    assert read_evidence(path) == both


def test_records_of_a_system_with_scores() -> None:
    scores = [{row.label: 0.8, "abc"[("abc".index(row.label) + 1) % 3]: 0.2} for row in GOLD]
    records = measure(system("student", 0.8, scores=scores), NOTED)
    figures = {one.metric: one.value for one in records if isinstance(one, Record)}
    assert figures["ece"] == pytest.approx(0.8 * 0 + 0.2 * 0.2 + 0.8 * 0.2, abs=0.02)  # wrong answers had 0.2
    assert figures["brier"] == pytest.approx(0.08)
    assert figures["aurc"] < 0.2
    points = [one for one in records if isinstance(one, Coverage)]
    assert [one.coverage for one in points] == [1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1]
    assert points[0].risk == pytest.approx(0.2)
    assert points[2].risk == pytest.approx(0.0, abs=1e-9)
    assert all(one.low <= one.risk <= one.high for one in points)


def test_comparison() -> None:
    found = compare(system("student", 0.9), system("teacher", 0.5), NOTED, "macro_f1")
    assert isinstance(found, Comparison)
    assert found.paired
    assert found.p is None
    assert found.difference == pytest.approx(found.value - found.other)
    back = compare(system("teacher", 0.5), system("student", 0.9), NOTED, "macro_f1")
    assert (back.low, back.high) == pytest.approx((-found.high, -found.low))


def test_predictions_round_trip(tmp_path: Path) -> None:
    path = tmp_path / "teacher.jsonl"
    said = answers(
        "teacher",
        GOLD[:2],
        ["a", None],
        what="Qwen",
        sample="s",
        scores=[{"a": 0.5, "b": 0.5}, None],
        seconds=[0.1, None],
    )
    assert write_predictions(path, said) == 2
    assert read_predictions(path) == said
    text = path.read_text()
    path.write_text(text.replace('"gold": "b"', '"gold": "c"'))
    with pytest.raises(DataError, match="not on the rows"):
        read_predictions(path)
    path.write_text("\n".join(text.splitlines()[:2]))
    with pytest.raises(DataError, match="not on the rows"):
        read_predictions(path)
    path.write_text(text.replace('"predicted"', '"said"'))
    with pytest.raises(DataError, match=r"items\.0"):
        read_predictions(path)
    path.write_text("")
    with pytest.raises(DataError, match="does not say whose"):
        read_predictions(path)


def test_a_row_counts_once() -> None:
    one = Prediction(id="x", gold="a", predicted="a")
    with pytest.raises(ValueError, match="answered twice"):
        Predictions(who="x", items=(one, one))
    with pytest.raises(ValueError, match="zip"):
        answers("x", GOLD, ["a"])


def test_broken_evidence_names_the_record(tmp_path: Path) -> None:
    path = tmp_path / "evidence.jsonl"
    path.write_text('{"kind": "record", "who": "x"}\n')
    with pytest.raises(DataError, match="Record 1 is not evidence"):
        read_evidence(path)


def test_speed() -> None:
    seen: list[int] = []
    records = time_it(
        lambda texts: seen.append(len(texts)), ["a", "b", "c"], "student", batches=(1, 2), calls=5, warm_up=1
    )
    assert [(one.batch, one.n) for one in records] == [(1, 5), (2, 2)]
    assert seen == [1] * 6 + [2] * 3
    assert all(0 <= one.p50_ms <= one.p95_ms <= (one.p99_ms or 0) and one.rows_per_second > 0 for one in records)
    noted = from_seconds([0.1, 0.2, 0.3], "teacher", NOTED)
    assert (noted.p50_ms, noted.rows_per_second) == (pytest.approx(200), pytest.approx(5))
    for empty in (lambda: time_it(print, [], "x"), lambda: from_seconds([], "x", NOTED)):
        with pytest.raises(ValueError, match="at least one"):
            empty()


def test_circumstances(tmp_path: Path) -> None:
    import platform

    words = hardware()
    assert "core" in words
    assert "GiB" in words
    assert not platform.node() or platform.node() not in words
    assert commit(tmp_path) == ""
    assert here().hardware == words
