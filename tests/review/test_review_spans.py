"""People's spans: read from files, merged, and believed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from review_answered import assert_the_majority_decides, assert_told, by_file
from reviewer import Reviewer

from factory import spec as specs
from factory.review import argilla_dataset
from factory.review.argilla import ArgillaBackend
from factory.review.backend import AUDIT, Answer, Item, SpansAnswer
from factory.review.merge import adopt, audit, merge
from factory.review.select import select
from factory.review.simulated import read
from factory.row import Lineage, Row, Span
from factory.services.argilla.server import ArgillaServer
from factory.spec import Spec
from factory.stages.answers import answered_of
from tests import kitchen


@pytest.fixture
def spec(tmp_path: Path) -> Spec:
    kitchen.make_specialist(tmp_path / "prompts" / "test" / "kitchen", tmp_path / "gold", {})
    return specs.load("test/kitchen", tmp_path / "prompts")


def rows(count: int = 8) -> list[Row]:
    found = [kitchen.sample(list(kitchen.MIDDLES)[number % 4], number) for number in range(count)]
    return [Row(text=text, spans=spans, origin="generated", lineage=Lineage(spec="s")) for text, spans in found]


def answer(row: Row, spans: tuple[Span, ...] | None, reviewer: str = "ana", **more: Any) -> SpansAnswer:
    return SpansAnswer(row_id=row.id, label=None, reviewer=reviewer, text=row.text, spans=spans, **more)


def test_simulated_people_give_spans(spec: Spec, tmp_path: Path) -> None:
    found = read(spec, tmp_path / "gold", 10)
    assert len(found) == 10
    assert all(row.spans == kitchen.spans_of(row.text) and row.origin == "reviewed" for row in found)


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ({"marked": "<Food>x"}, "marked: unclosed tag: Food"),
        ({"marked": "another text"}, "marked: without its tags it is not the text that was shown"),
        ({"marked": 1}, "marked must be text"),
        ({"spans": [{"start": 0, "end": 999, "label": "Food"}]}, "out of bounds"),
        ({"spans": [{"start": 0, "end": 2, "label": "Pan"}]}, "unknown type: 'Pan'"),
        ({"spans": [{"start": 2, "end": 2, "label": "Food"}]}, "spans must be a list"),
        ({"spans": 5}, "spans must be a list"),
        ({"label": "Food"}, "spans are missing"),
    ],
)
def test_an_answer_that_cannot_be_used_is_told(spec: Spec, tmp_path: Path, said: dict[str, Any], problem: str) -> None:
    shown = [selection.item() for selection in select(rows(), 3, 0.0)]
    assert_told(by_file(tmp_path, spec, shown, [{"row_id": shown[0].row_id, **said}]), problem)


def test_answers_in_tags_offsets_or_none(spec: Spec, tmp_path: Path) -> None:
    made = {row.id: row for row in rows()}
    shown = [selection.item() for selection in select(list(made.values()), 4, 0.0)]
    assert all(item.suggestion == made[item.row_id].decision for item in shown)
    one, two, three, _ = shown
    offsets = [{"start": span.start, "end": span.end, "label": span.label} for span in made[two.row_id].spans or ()]
    lines: list[dict[str, Any]] = [
        {"row_id": one.row_id, "marked": one.suggestion},
        {"row_id": two.row_id, "spans": offsets[::-1]},
        {"row_id": three.row_id, "marked": None, "problem": "unusable"},
    ]
    pulled = by_file(tmp_path, spec, shown, lines)
    assert pulled.problems == []
    assert [found.decision for found in pulled.answers] == [one.suggestion, two.suggestion, None]
    json.dumps(answered_of(pulled))


def test_the_majority_of_whole_markings_decides() -> None:
    assert_the_majority_decides(rows(4), "spans", (Span(start=0, end=2, label="Tool"),), (), answer)


def test_an_answer_outlives_its_row_and_audits_count_whole_rows() -> None:
    one, two = rows(2)
    (row,) = adopt(merge([], [answer(one, one.spans)]).orphans, "s")
    assert (row.text, row.spans, row.origin) == (one.text, one.spans, "reviewed")
    found = audit([one, two], [answer(one, one.spans, reason=AUDIT), answer(two, (), reason=AUDIT)])
    assert (found.right, found.n) == (1 + (two.spans == ()), 2)


def test_what_others_said_is_shown_to_the_letter(spec: Spec) -> None:
    said = ("a <Tool>pan</Tool>", "it`s a <Tool>pan</Tool>\n\n<b>now</b>", "``")
    shown = argilla_dataset.beside(spec, Item("r", "a pan", None, 0.0, "disputed", said=said))
    assert shown.split("\n") == ["- `a <Tool>pan</Tool>`", "- `` it`s a <Tool>pan</Tool> <b>now</b> ``", "- ``` `` ```"]


@pytest.mark.real
def test_people_mark_words_in_argilla(spec: Spec, argilla: ArgillaServer) -> None:
    place = ArgillaBackend(argilla.url, argilla.credentials.api_key, local=True)
    made = {row.id: row for row in rows()}
    shown = [selection.item() for selection in select(list(made.values()), 4, 0.25)]
    assert place.push(spec, shown).new == 4 and place.push(spec, shown).new == 0
    person = Reviewer(argilla, spec)
    blind, *seen = shown
    assert person.suggested(blind.row_id) is None
    for item in seen:
        suggested = [Span.model_validate(one) for one in person.suggested(item.row_id)]
        assert suggested == list(made[item.row_id].spans or ())
    first, second, third = seen
    words = [{"start": 0, "end": len(second.text.split()[0]), "label": "Tool"}]
    for item, status, value in ((first, "submitted", []), (second, "submitted", words), (third, "discarded", words)):
        person.respond(item.row_id, status, spans=value)
    pulled = place.pull(spec)
    assert pulled.problems == []
    assert {answer.row_id: answer.spans for answer in pulled.answers if isinstance(answer, SpansAnswer)} == {
        first.row_id: (),
        second.row_id: (Span(start=0, end=words[0]["end"], label="Tool"),),
        third.row_id: None,
    }
    merged = merge(list(made.values()), pulled.answers)
    assert len(merged.dropped) == 1 and sum(row.origin == "reviewed" for row in merged.rows) == 2


def test_a_label_is_still_a_label() -> None:
    assert Answer(row_id="r", label="fee", reviewer="ana").decision == "fee"
