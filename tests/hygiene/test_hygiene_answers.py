"""The checks of answers, one by one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from factory import spec as specs
from factory.hygiene import answer, copied, faithful, gold_answer, refusal, rubric
from factory.hygiene.check import Context
from factory.hygiene.contest import GUARDS
from factory.hygiene.run import CHECKS, OF_ANSWERS, of_kind
from factory.row import Gold, Lineage, Row
from factory.spec import Spec
from tests import lost

TEXT = "My green umbrella was left on the bus to Leeds on 4 May, says [NAME]."


@pytest.fixture
def spec(tmp_path: Path) -> Spec:
    lost.make_specialist(tmp_path / "test" / "lost", tmp_path / "gold", {})
    return specs.load("test/lost", tmp_path)


def row(said: str, **changes: Any) -> Row:
    values = {"text": TEXT, "answer": said, "origin": "generated", "lineage": Lineage(spec="s", teacher="t")}
    return Row.model_validate({**values, **changes})


@pytest.mark.parametrize(
    ("check", "said", "reason", "score"),
    [
        (answer, "Where is the umbrella?", "", 4.0),
        (answer, "", "no answer: blank, or not in its one form", 0.0),
        (answer, "Where  is it now?", "no answer: blank, or not in its one form", 4.0),
        (answer, "Where?", "too short: 1 words, 3 are asked", 1.0),
        (answer, "where " * 15 + "is", "too long: 16 words, 15 are allowed", 16.0),
        (answer, '{"answer": "Where is it?"}', "leftover JSON: '{\"'", 4.0),
        (refusal, "Where is the umbrella?", "", 0.0),
        (refusal, "I'm sorry, but I cannot help with that.", "refuses: 'sorry, but I cannot help'", 1.0),
        (refusal, "As an AI language model I lose nothing.", "speaks as a machine: 'As an AI'", 1.0),
        (refusal, "Where is the umbrella of [name]?", "", 0.0),
        (refusal, "Where is the umbrella of [owner]?", "placeholder: '[owner]'", 1.0),
        (refusal, "Kind regards from the office, we apologize", "", 0.0),
        (refusal, "ask for the thing, and say where it was",
         "leaked instructions: 'ask for the thing and say where it'", 1.0),
        (copied, "Where is the umbrella?", "", 0.25),
        (copied, "green umbrella was left on the bus", "copied: 100% of its words stand in the text in one run", 1.0),
        (faithful, "Was something found in Leeds on 4 May?", "", 1.0),
        (faithful, "Was something found in York on 5 May?", "not in the text: 5, York", 0.3333),
        (faithful, "Where is the umbrella?", "", 1.0),
    ],
)  # fmt: skip
def test_an_answer_passes_or_says_why(spec: Spec, check: Any, said: str, reason: str, score: float) -> None:
    known = Context(spec, instructions=(spec.template("policy.md"),))
    for origin in ("generated", "unlabelled") if said else ("generated",):
        (verdict,) = check.check([row(said, origin=origin)], known)
        assert (verdict.passed, verdict.reason, verdict.score) == (not reason, reason, score)
        assert verdict.check == check.NAME
    (verdict,) = check.check([row(said, origin="reviewed")], known)
    assert verdict.passed and verdict.reason == "not asked: people answered"
    (verdict,) = check.check([row("", origin="unlabelled")], known)
    assert verdict.passed and verdict.reason == "not asked: nobody has answered it yet"
    (verdict,) = check.check([Row(text="a", label="b", origin="generated", lineage=Lineage(spec="s"))], known)
    assert verdict.passed and verdict.reason == "not asked: no answer"


def test_a_copy_is_what_the_spec_says_it_is(spec: Spec) -> None:
    said = row("Whose green umbrella was left on the bus?")
    strict = spec.model_copy(update={"answer": spec.form.model_copy(update={"copied": 0.5})})
    assert copied.check([said], Context(spec))[0].passed is False
    assert copied.check([row("Is there a green umbrella?")], Context(spec))[0].passed
    assert copied.check([row("Who left a green umbrella was left?")], Context(strict))[0].passed is False


def test_no_answer_is_a_gold_answer_whoever_gave_it(spec: Spec) -> None:
    gold = [
        Gold(id="g1", text="x", answer="Has anybody found an umbrella?"),
        Gold(id="g2", text="y", answer="Has anybody found a hat?"),
    ]
    said = ["has anybody found an UMBRELLA", "Has anybody found an umbrella or a hat?", ""]
    for origin in ("generated", "unlabelled", "reviewed"):
        rows = [row(one, origin=origin) for one in said]
        same, like, none = gold_answer.check(rows, Context(spec, gold))
        assert (same.passed, same.reason, same.score) == (False, "is a gold answer: g1", 1.0)
        assert like.passed and 0.5 < (like.score or 0) < 1.0
        assert none.passed and none.reason == "not asked: no answer"
    assert gold_answer.check([row("a")], Context(spec))[0].reason == "not asked: no gold answers"


def test_low_marks_drop_only_where_the_spec_says_so(spec: Spec) -> None:
    low, high, unknown, people = (
        row("a"),
        row("a", text="b"),
        row("a", text="c"),
        row("a", text="d", origin="reviewed"),
    )
    known = Context(spec, marks={low.id: 0.2, high.id: 0.9, people.id: 0.1})
    rows = [low, high, unknown, people]
    assert [(one.passed, one.score) for one in rubric.check(rows, known)] == [
        (True, 0.2), (True, 0.9), (True, None), (True, None)
    ]  # fmt: skip
    strict = spec.model_copy(update={"answer": spec.form.model_copy(update={"score": 0.5})})
    found = rubric.check(rows, Context(strict, marks=known.marks))
    assert [one.passed for one in found] == [False, True, True, True]
    assert found[0].reason == "low mark: 0.20, 0.5 is asked" and found[2].reason == "not asked: not marked"


def test_answers_have_their_checks_and_nobody_contests_them() -> None:
    by_label = {"consistency", "disagreement", "label_noise", "balance"}
    assert set(CHECKS) - set(of_kind("generation", CHECKS)) == {"spans", "record", *by_label}
    assert set(OF_ANSWERS) - {"rubric"} <= set(GUARDS)  # of marks people can say that they are wrong
