"""People's answers in words: read from files and from Argilla, merged, compared and believed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from review_answered import assert_told, by_file
from reviewer import Reviewer

from factory import spec as specs
from factory.errors import ReviewError
from factory.review.argilla import ArgillaBackend
from factory.review.backend import AUDIT, WordedAnswer
from factory.review.merge import adopt, audited, merge
from factory.review.select import select, uncertainty
from factory.review.simulated import read
from factory.row import Lineage, Row, Verdict
from factory.services.argilla.server import ArgillaServer
from factory.spec import Spec
from factory.stages.answers import answered_of
from tests import lost


@pytest.fixture
def spec(tmp_path: Path) -> Spec:
    lost.make_specialist(tmp_path / "prompts" / "test" / "lost", tmp_path / "gold", {})
    return specs.load("test/lost", tmp_path / "prompts")


def rows(count: int = 8) -> list[Row]:
    return [
        Row(text=text, answer=answer, origin="generated", lineage=Lineage(spec="s"))
        for text, answer in map(lost.sample, range(count))
    ]


def answer(row: Row, said: str | None, reviewer: str = "ana", **more: Any) -> WordedAnswer:
    return WordedAnswer(row_id=row.id, label=None, reviewer=reviewer, text=row.text, answer=said, **more)


def test_simulated_people_answer(spec: Spec, tmp_path: Path) -> None:
    found = read(spec, tmp_path / "gold", 10)
    assert len(found) == 10
    assert all(row.answer == lost.answer_of(row.text) and row.origin == "reviewed" for row in found)


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ({"label": "x"}, "answer is missing: write one, or null"),
        ({"answer": 5}, "answer is missing: write one, or null"),
        ({"answer": "  "}, "answer: blank, or nothing that can be written down"),
        ({"answer": "a\x00b"}, "answer: blank, or nothing that can be written down"),
        ({"answer": "What?", "rating": "good"}, "rating must be a whole number, 1 to 5"),
        ({"answer": "What?", "rating": True}, "rating must be a whole number, 1 to 5"),
        ({"answer": "What?", "rating": 6}, "rating: 6 is none of 1 to 5"),
    ],
)
def test_an_answer_that_cannot_be_used_is_told(spec: Spec, tmp_path: Path, said: dict[str, Any], problem: str) -> None:
    shown = [selection.item() for selection in select(rows(), 3, 0.0)]
    assert_told(by_file(tmp_path, spec, shown, [{"row_id": shown[0].row_id, **said}]), problem)


def test_answers_are_confirmed_written_anew_or_refused(spec: Spec, tmp_path: Path) -> None:
    shown = [selection.item() for selection in select(rows(), 4, 0.25)]
    blind, one, two, three = shown
    assert blind.suggestion is None and one.suggestion
    lines: list[dict[str, Any]] = [
        {"row_id": blind.row_id, "answer": "Where is my\n hat?"},
        {"row_id": one.row_id, "answer": one.suggestion, "rating": 5},
        {"row_id": two.row_id, "answer": "Where?", "rating": 1},
        {"row_id": three.row_id, "answer": None, "problem": "unusable"},
    ]
    pulled = by_file(tmp_path, spec, shown, lines)
    assert pulled.problems == []
    assert [found.decision for found in pulled.answers] == ["Where is my hat?", one.suggestion, "Where?", None]
    json.dumps(answered_of(pulled))


def test_of_several_peoples_answers_the_one_most_like_the_others_is_taken() -> None:
    right, corrected, refused, torn = made = rows(4)
    answers = [
        answer(right, right.answer, rating=5),
        answer(corrected, "Where is the hat from Leeds?", "ana", rating=1),
        answer(corrected, "Where is a hat from Leeds?", "ben", rating=2),
        answer(corrected, "Lost things", "cem"),
        answer(refused, None, problem="unusable"),
        answer(refused, None, "ben"),
        answer(refused, "Where?", "cem"),
        answer(torn, "Where?", "ana"),
        answer(torn, None, "ben"),
    ]
    found = merge(made, answers)
    assert [row.id for row in found.rows] == [right.id, corrected.id, torn.id]
    assert found.rows[0].lineage.was is None and found.rows[0].verdicts[-1].score == 5.0
    assert found.rows[1].answer == "Where is the hat from Leeds?" and found.rows[1].lineage.was == corrected.answer
    assert found.rows[1].verdicts[-1].score == 1.5 and found.rows[1].lineage.reviewers == ["ana", "ben", "cem"]
    assert found.dropped[0].id == refused.id and found.unresolved == [torn.id]
    assert merge(found.rows, answers).rows == found.rows


def test_an_answer_outlives_its_row_and_audits_pair_the_answers() -> None:
    one, two, three = rows(3)
    (row,) = adopt(merge([], [answer(one, "Where is it?")]).orphans, "s")
    assert (row.text, row.answer, row.origin) == (one.text, "Where is it?", "reviewed")
    given = [
        answer(one, "Where?", reason=AUDIT),
        answer(two, None, reason=AUDIT),
        answer(three, "x", reason="coverage"),
    ]
    assert audited([one, two, three], given) == [(one.answer, "Where?"), (two.answer, None)]


def test_people_see_first_what_the_teacher_doubts() -> None:
    sure, torn, low = rows(3)
    torn.verdicts.append(Verdict(check="answering", passed=True, score=0.3))
    low.verdicts += [
        Verdict(check="answering", passed=True, score=None), Verdict(check="rubric", passed=True, score=0.6)
    ]  # fmt: skip
    assert [uncertainty(row) for row in (sure, torn, low)] == pytest.approx([0.0, 0.7, 0.4])
    shown = select([sure, torn, low], 3, 0.0)
    assert [one.row.id for one in shown] == [torn.id, low.id, sure.id]
    assert [one.reason for one in shown] == ["uncertain", "uncertain", "coverage"]
    assert [one.item().confidence for one in shown] == pytest.approx([0.3, 0.6, 1.0])


@pytest.mark.real
def test_people_edit_and_rate_answers_in_argilla(spec: Spec, argilla: ArgillaServer) -> None:
    place = ArgillaBackend(argilla.url, argilla.credentials.api_key, local=True)
    shown = [selection.item() for selection in select(rows(), 5, 0.2)]
    assert place.push(spec, shown).new == 5 and place.push(spec, shown).new == 0
    person = Reviewer(argilla, spec)
    blind, *seen = shown
    assert person.suggested(blind.row_id) is None
    for item in seen:
        assert person.suggested(item.row_id) == item.suggestion
    first, second, third, fourth = seen
    said: list[tuple[Any, str, dict[str, Any]]] = [
        (first, "submitted", {"answer": first.suggestion, "rating": 5}),
        (second, "submitted", {"answer": "Where is\nit?", "rating": 2}),
        (third, "discarded", {"answer": third.suggestion, "problem": "unusable"}),
        (fourth, "submitted", {"answer": "   "}),
        (blind, "submitted", {"answer": "What was lost?"}),
    ]
    for item, status, values in said:
        person.respond(item.row_id, status, **values)
    pulled = place.pull(spec)
    answers = {one.row_id: (one.answer, one.rating) for one in pulled.answers if isinstance(one, WordedAnswer)}
    assert answers == {
        first.row_id: (first.suggestion, 5),
        second.row_id: ("Where is it?", 2),
        third.row_id: (None, None),
        blind.row_id: ("What was lost?", None),
    }
    assert len(pulled.problems) == 1 and f"row {fourth.row_id}" in pulled.problems[0]
    other = spec.model_copy(update={"answer": spec.form.model_copy(update={"definition": "A haiku."})})
    with pytest.raises(ReviewError, match="is there already"):
        place.pull(other)
