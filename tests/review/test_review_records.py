"""People's records: read from files and from Argilla, merged, and believed if they hold."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from review_answered import assert_the_majority_decides, assert_told, by_file
from reviewer import Reviewer

from factory import spec as specs
from factory.errors import ReviewError
from factory.record import Record
from factory.review.argilla import ArgillaBackend
from factory.review.backend import AUDIT, RecordAnswer
from factory.review.merge import adopt, audit, merge
from factory.review.select import select
from factory.review.simulated import read
from factory.row import Lineage, Row
from factory.services.argilla.server import ArgillaServer
from factory.spec import Spec
from factory.stages.answers import answered_of
from tests import registry


@pytest.fixture
def spec(tmp_path: Path) -> Spec:
    registry.make_specialist(tmp_path / "prompts" / "test" / "registry", tmp_path / "gold", {})
    return specs.load("test/registry", tmp_path / "prompts")


def rows(count: int = 8) -> list[Row]:
    found = [registry.sample(registry.STRATA[number % len(registry.STRATA)], number) for number in range(count)]
    return [Row(text=text, record=record, origin="generated", lineage=Lineage(spec="s")) for text, record in found]


def answer(row: Row, record: Record | None, reviewer: str = "ana", **more: Any) -> RecordAnswer:
    return RecordAnswer(row_id=row.id, label=None, reviewer=reviewer, text=row.text, record=record, **more)


def test_simulated_people_tell_of_the_fields_they_told_of(spec: Spec, tmp_path: Path) -> None:
    found = read(spec, tmp_path / "gold", 24)
    assert len(found) == 24 and all(row.origin == "reviewed" for row in found)
    for row in found:
        said = registry.record_of(row.text)
        told = row.attributes.get("told", ", ".join(said)).split(", ")
        assert row.record == {name: value for name, value in said.items() if name in told}
    assert {"told" in row.attributes for row in found} == {True, False}


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ({"record": "{"}, "record: not JSON"),
        ({"record": "[]"}, "record: no record"),
        ({"record": 5}, "record: no record"),
        ({"record": {"due": "soon"}}, "record: not by the schema: due is 'soon'"),
        ({"record": {"borrower": ["Nobody Atall"]}}, "record: not in the text: borrower: 'Nobody Atall'"),
        ({"record": {"colour": "red"}}, "record: unknown field: 'colour'"),
        ({"label": "due"}, "record is missing"),
    ],
)
def test_an_answer_that_does_not_hold_is_told(spec: Spec, tmp_path: Path, said: dict[str, Any], problem: str) -> None:
    shown = [selection.item() for selection in select(rows(), 3, 0.0)]
    assert_told(by_file(tmp_path, spec, shown, [{"row_id": shown[0].row_id, **said}]), problem)


def test_answers_as_objects_as_text_or_none(spec: Spec, tmp_path: Path) -> None:
    made = {row.id: row for row in rows()}
    shown = [selection.item() for selection in select(list(made.values()), 4, 0.0)]
    assert all(item.suggestion == made[item.row_id].decision for item in shown)
    one, two, three, _ = shown
    lines: list[dict[str, Any]] = [
        {"row_id": one.row_id, "record": one.suggestion},
        {"row_id": two.row_id, "record": {**(made[two.row_id].record or {}), "loan": None}},
        {"row_id": three.row_id, "record": None, "problem": "unusable"},
    ]
    pulled = by_file(tmp_path, spec, shown, lines)
    assert pulled.problems == []
    expected = {name: value for name, value in (made[two.row_id].record or {}).items() if name != "loan"}
    assert [found.decision for found in pulled.answers] == [
        one.suggestion, json.dumps(expected, sort_keys=True), None
    ]  # fmt: skip
    json.dumps(answered_of(pulled))


def test_the_majority_of_whole_records_decides() -> None:
    assert_the_majority_decides(rows(4), "record", {"shelf": "cellar"}, {}, answer)


def test_an_answer_outlives_its_row_and_audits_count_whole_records() -> None:
    none, one = rows(2)
    (row,) = adopt(merge([], [answer(one, one.record)]).orphans, "s")
    assert (row.text, row.record, row.origin) == (one.text, one.record, "reviewed")
    found = audit([none, one], [answer(none, {}, reason=AUDIT), answer(one, {}, reason=AUDIT)])
    assert (found.right, found.n) == (1, 2)


@pytest.mark.real
def test_people_correct_records_in_argilla(spec: Spec, argilla: ArgillaServer) -> None:
    place = ArgillaBackend(argilla.url, argilla.credentials.api_key, local=True)
    made = {row.id: row for row in rows()}
    shown = [selection.item() for selection in select(list(made.values()), 6, 0.17)]
    assert place.push(spec, shown).new == 6 and place.push(spec, shown).new == 0
    person = Reviewer(argilla, spec)
    blind, *seen = shown
    assert person.suggested(blind.row_id) is None
    for item in seen:
        assert json.loads(person.suggested(item.row_id)) == made[item.row_id].record
    first, second, third, fourth, fifth = seen
    said = (
        (first, "submitted", first.suggestion),
        (second, "submitted", "{}"),
        (third, "discarded", third.suggestion),
        (fourth, "submitted", '{"due": "soon"}'),
        (fifth, "submitted", "the clerk has it"),
    )
    for item, status, value in said:
        person.respond(item.row_id, status, record=value)
    pulled = place.pull(spec)
    assert {one.row_id: one.record for one in pulled.answers if isinstance(one, RecordAnswer)} == {
        first.row_id: made[first.row_id].record,
        second.row_id: {},
        third.row_id: None,
    }
    assert len(pulled.problems) == 2 and all(argilla.url in problem for problem in pulled.problems)
    assert f"row {fourth.row_id}" in "".join(pulled.problems) and "not by the schema: due" in "".join(pulled.problems)
    assert f"row {fifth.row_id}" in "".join(pulled.problems) and "not JSON" in "".join(pulled.problems)
    fewer = spec.model_copy(update={"fields": {"due": spec.fields["due"]}})
    with pytest.raises(ReviewError, match="with other labels"):
        place.pull(fewer)
