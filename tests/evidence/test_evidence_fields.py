"""Records are measured field by field, over what people spoke of."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from factory.evidence import evaluate, fields, intervals
from factory.evidence.circumstances import Circumstances
from factory.evidence.decision import Known, kind_of, said, truth
from factory.evidence.predictions import Predictions, answers, read_predictions, write_predictions
from factory.evidence.records import ClassFigures, Coverage, Record
from factory.record import Record as Read
from factory.row import Gold

WHOLE = Known(record={"law": "Oregon", "parties": ["Ada Ltd.", "Bo Inc."]})
PARTLY = Known(record={"due": "2003-05-XX"}, told=("due",))
RECORDS = st.dictionaries(st.sampled_from("abcd"), st.one_of(st.booleans(), st.sampled_from(["x", "X", "y z"])))


def figures(gold: list[Known], predicted: list[Read | None]) -> dict[str, float]:
    return {metric: intervals.value_of(metric, gold, predicted) for metric in intervals.OF_FIELDS}


def test_fields_are_counted_exactly_and_normalised() -> None:
    said: Read = {"law": "OREGON.", "parties": ["Bo Inc.", "Ada Ltd."], "term": "P1Y"}
    found = figures([WHOLE], [said])
    assert (found["field_precision"], found["field_recall"]) == (2 / 3, 1.0)
    assert (found["exact_precision"], found["exact_recall"]) == (1 / 3, 1 / 2), "the order of a list is no mistake"


def test_what_people_did_not_speak_of_is_neither_right_nor_wrong() -> None:
    assert figures([PARTLY], [{"due": "2003-05-XX", "law": "Oregon"}]) == dict.fromkeys(intervals.OF_FIELDS, 1.0)
    assert fields.right(PARTLY, {"due": "2003-05-XX", "law": "Oregon"})
    assert not fields.right(WHOLE, WHOLE.record | {"due": "never"})
    assert not fields.right(PARTLY, {}) and not fields.right(PARTLY, None)
    assert fields.right(Known(record={}), {}) and not fields.right(Known(record={}), None)


@given(st.lists(st.tuples(RECORDS, RECORDS), min_size=1, max_size=6))
def test_figures_are_those_of_all_pairs_of_field_and_value(rows: list[tuple[Read, Read]]) -> None:
    gold = [Known(record=people) for people, _ in rows]
    found = figures(gold, [somebody for _, somebody in rows])
    there, claimed = (
        [{(name, str(value).casefold()) for name, value in row[side].items()} for row in rows] for side in (0, 1)
    )
    right = sum(len(a & b) for a, b in zip(there, claimed, strict=True))
    total = sum(map(len, there)) + sum(map(len, claimed))
    assert found["field_f1"] == (2 * right / total if total else 0.0)
    assert found["exact_f1"] <= found["field_f1"]
    assert figures(gold, [people for people, _ in rows])["exact_f1"] == float(any(people for people, _ in rows))


def gold_rows() -> list[Gold]:
    whole = [Gold(id=f"w{n}", text=f"w {n}", record={"law": "Oregon"} if n % 2 else {}) for n in range(6)]
    return [*whole, *(Gold(id=f"p{n}", text=f"p {n}", record={"due": "never"}, told=("due",)) for n in range(4))]


def test_everything_that_is_said_of_records() -> None:
    gold = gold_rows()
    read: list[Read | None] = [row.record for row in gold]
    read[0], read[1], read[-1] = {"due": "never"}, None, {"law": "Oregon"}
    one = answers("student", gold, read, scores=[(0.9 - n / 20,) for n in range(10)])
    assert one.kind == "extraction" and one.rights == [False, False, *[True] * 7, False]
    records = evaluate.measure(one, Circumstances())
    by = {record.metric: record.value for record in records if isinstance(record, Record)}
    assert set(by) == {*intervals.OF_FIELDS, "records_right", "answered", "ece", "aurc"}
    assert (by["records_right"], by["answered"], by["field_precision"], by["field_recall"]) == (0.7, 0.9, 5 / 6, 5 / 7)
    of = {record.label: record for record in records if isinstance(record, ClassFigures)}
    assert (of["due"].support, of["due"].predicted, of["due"].recall, of["law"].recall) == (4, 4, 3 / 4, 2 / 3)
    assert next(record.risk for record in records if isinstance(record, Coverage)) == 0.3
    other = answers("teacher", gold, [row.record for row in gold])
    assert evaluate.compare(one, other, Circumstances(), "field_f1").high <= 0.0
    assert evaluate.compare(one, one, Circumstances(), "field_f1").difference == 0.0


def test_predictions_come_back_as_they_were(tmp_path: Path) -> None:
    gold = gold_rows()
    one = answers("student", gold, [row.record if row.told else None for row in gold], scores=[(0.5,)] * len(gold))
    path = tmp_path / "one.jsonl"
    write_predictions(path, one)
    back: Predictions = read_predictions(path)
    assert back == one and back.gold[-1] == truth(gold[-1]) and kind_of(back.gold[0]) == "extraction"


def test_what_people_spoke_of_is_part_of_what_they_said() -> None:
    assert said(Known(record={"a": "x"})) != said(Known(record={"a": "x"}, told=("a",)))
