"""Texts written together with their answers, and answers to texts: whatever a teacher replies."""

from __future__ import annotations

import json
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from factory import spec as specs
from factory.generate import rating
from factory.generate.answering import choose, question, questions, read, request
from factory.generate.asking import Said
from factory.generate.examples import given as examples
from factory.generate.plan import cells, coverage, grow
from factory.generate.refill import Refill
from factory.generate.strategies import STRATEGIES, Material
from factory.generate.strategies.cell import Cell
from factory.generate.write import asked_of
from factory.hygiene.check import Context
from factory.hygiene.run import run
from factory.row import Lineage, Row
from factory.spec import Spec
from factory.wording import settle
from factory.words import words
from tests import lost

LINEAGE = Lineage(spec="s")
ANSWERED = STRATEGIES["answered"]
CELL = Cell(label="answer", attributes={"tone": "calm"}, count=4, ordinal=0, strategy="answered")


@pytest.fixture(scope="module")
def spec(tmp_path_factory: pytest.TempPathFactory) -> Spec:
    base: Path = tmp_path_factory.mktemp("lost")
    lost.make_specialist(base / "test" / "lost", base / "gold", {})
    return specs.load("test/lost", base)


def rows(*items: Any) -> str:
    return json.dumps({"rows": list(items)})


def test_attributes_are_the_only_axes_and_are_even(spec: Spec) -> None:
    alone = spec.model_copy(update={"strategies": {"answered": 1.0}})
    found = grow(Material(alone), 64)
    assert {one.label for one in found} == {"answer"} and [one.ordinal for one in found] == list(range(16))
    shares = {(share.axis, share.value): share.rows for share in coverage(found)}
    assert shares == {
        ("label", "answer"): 64, ("tone", "calm"): 32, ("tone", "angry"): 32, ("length", "short"): 32,
        ("length", "long"): 32,
    }  # fmt: skip
    assert grow(Material(alone), 32) == found[:8]


def test_few_shot_shows_what_people_answered(spec: Spec) -> None:
    known = [
        Row(text=text, answer=answer, origin="reviewed", lineage=LINEAGE.model_copy(update={"source": f"r{number}"}))
        for number, (text, answer) in enumerate(map(lost.sample, range(6)))
    ]
    few = spec.model_copy(update={"strategies": {"answered_few_shot": 1.0}})
    for one in islice(cells(Material(few, known=known)), 5):
        shown = [json.loads(example) for example in one.examples]
        assert len(one.sources) == len(shown) == 4
        assert all(lost.answer_of(item["text"]) == item["answer"] for item in shown)
        assert one.attributes.keys() == {"tone", "length"}
    assert ANSWERED.attributes(CELL) == {"tone": "calm", "strategy": "answered"}


def test_a_request_is_held_to_texts_with_answers(spec: Spec) -> None:
    made = ANSWERED.request(CELL, Material(spec))
    schema = Draft202012Validator(made.json_schema or {})
    assert not list(schema.iter_errors({"rows": [{"text": "a", "answer": "b"}] * 4}))
    assert list(schema.iter_errors({"rows": [{"text": "a", "answer": None}] * 4}))
    assert spec.form.definition in made.messages[1]["content"]


def test_texts_without_an_answer_cost_no_other_row() -> None:
    reply = rows({"text": " a  letter ", "answer": " What\n? "}, {"text": "b"}, {"text": "c", "answer": " "}, "d")
    drafts, reason = ANSWERED.read(CELL, reply)
    assert [(draft.text, draft.answer) for draft in drafts] == [("a letter", "What ?")]
    assert reason == "3 texts without an answer that can be read"


@pytest.mark.parametrize(
    ("reply", "answer", "failure"),
    [
        ('{"answer": " What  is it? "}', "What is it?", ""),
        ('{"answer": ""}', None, "no answer: blank"),
        ('{"answer": "\\u0000"}', None, "no answer: blank"),
        ('{"answer": ["What?"]}', None, "no answer: an object"),
        ('{"answer": "What', None, "not JSON: cut off or malformed"),
        ("[" * 100_000, None, "not JSON: cut off or malformed"),
        ("What?", None, "not JSON"),
        ("[1]", None, "no answer: an object"),
    ],
)
def test_a_reply_is_an_answer_or_a_reason(spec: Spec, reply: str, answer: str | None, failure: str) -> None:
    found = read(spec, "a letter", reply)
    assert found.decision == answer and found.failure.startswith(failure) and bool(failure) == bool(found.failure)


def test_a_text_is_asked_about_greedily_and_then_by_chance(spec: Spec) -> None:
    first, *others = questions(spec, "A letter.")
    assert first == request(spec, "A letter.") and first.temperature == 0.0
    assert [one.ordinal for one in others] == [1, 2]
    assert {one.temperature for one in others} == {spec.teacher.temperature}
    assert len({one.cache_key("t") for one in (first, *others)}) == 3
    alone = spec.model_copy(update={"answer": spec.form.model_copy(update={"samples": 0})})
    assert questions(alone, "A letter.") == [first]


def said(*answers: str | None) -> list[Said[str]]:
    return [
        Said(one, "" if one else "not JSON", key=f"k{place}") if one else Said(None, "not JSON", key=f"k{place}")
        for place, one in enumerate(answers)
    ]


def test_the_greedy_answer_is_outvoted_and_what_was_not_taken_is_kept() -> None:
    greedy, *others = said("a b c", "x y z", "x y z")
    found = choose(greedy, others)
    assert (found.decision, found.key) == ("x y z", "k1")
    assert found.beside == {"others": ["a b c", "x y z"], "agreement": pytest.approx(1 / 3, abs=1e-4)}
    greedy, *others = said("a b", None)
    assert choose(greedy, others) == Said("a b", "", {"others": [], "agreement": None}, "k0")
    greedy, *others = said(None, "a b")
    found = choose(greedy, others)
    assert found.decision is None and found.failure == "not JSON" and found.key == "k0"


def test_a_mark_is_the_mean_of_what_the_first_token_may_be(spec: Spec) -> None:
    made = rating.request(spec, "A letter\nto you.", "What?")
    assert made.choices == ["1", "2", "3", "4", "5"] and made.max_tokens == 1 and made.top_logprobs >= 5
    assert "Text: A letter to you." in made.messages[1]["content"] and spec.rules in made.messages[0]["content"]
    assert rating._mean([-50.0, -50.0, -50.0, -50.0, 0.0]) == pytest.approx(1.0)
    assert rating._mean([-0.693147] + [-50.0] * 3 + [-0.693147]) == pytest.approx(0.5, abs=1e-3)


PIECES = st.sampled_from(
    ['{"rows": [', '{"text": "', "a letter", '", "answer": "', "What is it?", '"', "}", "]", ",", "null", "\\ud800",
     "\x00", "é", "1e999", '"answer":', "{}"],
)  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=9) | st.just("What is it?"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["answer", "x"]), inner),
    max_leaves=6,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(PIECES, max_size=25).map("".join) | JSON.map(json.dumps), st.integers(0, 200))
def test_any_reply_to_a_question_is_an_answer_or_a_reason(spec: Spec, reply: str, cut: int) -> None:
    for one in (reply, reply[:cut]):
        found = read(spec, "a letter", one)
        assert (found.decision is None) == bool(found.failure)
        assert found.decision is None or found.decision == settle(found.decision) != ""


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.text(max_size=12), JSON), max_size=4), st.integers(0, 300))
def test_any_reply_to_a_writing_ends_as_kept_or_dropped_rows_or_as_a_reason(
    spec: Spec, items: list[tuple[str, Any]], cut: int
) -> None:
    whole = rows(*({"text": f"{text} a letter", "answer": answer} for text, answer in items))
    for one in (whole, whole[:cut]):
        drafts, reason = ANSWERED.read(CELL, one)
        assert len(drafts) == len(items) or reason
        made = [
            Row(text=draft.text, answer=draft.answer, origin="generated", lineage=LINEAGE, attributes={"tone": "calm"})
            for draft in drafts
        ]
        assert [Row.from_json(json.loads(json.dumps(row.to_json()))) for row in made] == made
        found = run(made, Context(spec), ("schema", "answer", "refusal", "copied", "faithful"))
        assert len(found.kept) + len(found.dropped) == len(made)
        assert all(len(words(row.answer or "")) >= 3 for row in found.kept)
        assert all(not row.verdicts[-1].passed and row.verdicts[-1].reason for row in found.dropped)


def test_refill_asks_for_what_lacks(spec: Spec) -> None:
    stream = ANSWERED.cells(Material(spec))
    plan = list(islice(stream, 4))
    kept = [
        Row(text=text, answer=answer, origin="generated", lineage=LINEAGE)
        for text, answer in map(lost.sample, range(9))
    ]
    assert {asked_of(row) for row in kept} == {"answer"}
    again = Refill(plan, stream).further(kept)
    assert [one.count for one in again] == [4, 4] and all(one.avoid for one in again)


def test_examples_become_rows(spec: Spec) -> None:
    first, second = examples(spec, LINEAGE)
    assert first.answer == "Is there a brown kite on the roof?" and second.kind == "generation"
    assert first.stratum == "answer" and first.decision == first.answer


def test_a_teacher_is_asked_with_the_policy_or_by_the_question_alone(spec: Spec) -> None:
    with_policy, bare = (question(spec, "a letter", policy) for policy in (True, False))
    assert with_policy == request(spec, "a letter") and bare.json_schema == with_policy.json_schema
    asked = "".join(message["content"] for message in bare.messages)
    assert spec.question in asked and "a letter" in asked and spec.form.definition not in asked
