"""A student of records keeps the epoch in which it has the most values right."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory.row import Lineage, Row
from factory.stages.recording import Recording
from factory.students import causal
from factory.students.causal import Causal, WritingRecipe
from factory.students.lesson import average
from factory.students.records import Records
from tests import tiny_llama

FIELDS = {"thing": {"type": "text"}, "colour": {"type": "text"}, "place": {"type": "text"}}
TEXT = "a red hat on the chair"
RIGHT, OTHER, NOTHING, INVENTED = "right", "another value", "null in its place", "a value for null"


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_llama.make(tmp_path_factory.mktemp("llama"), [f'{{"thing": "hat", "colour": null}} {TEXT}'] * 3)


def row(record: dict[str, Any], told: str = "", weight: float = 1.0) -> Row:
    return Row(
        text=TEXT,
        record=record,
        origin="reviewed",
        weight=weight,
        attributes={"told": told} if told else {},
        lineage=Lineage(spec="s"),
    )


class Says:
    """A learner that has some values of the rows as they are there, and others not."""

    def __init__(self, real: Causal, fates: list[list[str]]) -> None:
        self.tokenizer, self.device, self.model = real.tokenizer, "cpu", real.model
        self.fates, self.examples = fates, list[causal.Example]()

    def logits(self, before: list[int], given: list[list[int]], keep: int) -> Any:
        import torch

        said = torch.zeros(len(given), keep, len(self.tokenizer))
        null = self.tokenizer("null", add_special_tokens=False).input_ids[0]
        for place, (example, fates) in enumerate(zip(self.examples, self.fates, strict=True)):
            tokens = list(example.answer)
            for number, fate in enumerate(fates):
                first = example.parts.index(2 * number + 1)
                if fate != RIGHT:
                    tokens[first] = null if fate == NOTHING else tokens[first] + 1
            start = keep - 1 - len(tokens)
            for at, token in enumerate(tokens):
                said[place, start + at, token] = 1.0
        return said


def held(llama: Path, rows: list[Row], fates: list[list[str]]) -> tuple[list[float], list[float]]:
    recipe = WritingRecipe(str(llama), ("record",), 96, instruction="What?", max_new_tokens=60, fields=FIELDS)
    learner = Says(Causal.load(llama), fates)
    lesson = Records(rows, rows, recipe, learner)
    learner.examples = lesson.held_examples
    lesson.batch = len(rows)  # type: ignore[misc]
    wrong, weights = lesson.held_out(learner)  # type: ignore[arg-type]
    return wrong.tolist(), weights.tolist()


@pytest.mark.parametrize(
    ("fates", "wrong", "values"),
    [
        ([RIGHT, RIGHT, RIGHT], 0.0, 2),
        ([RIGHT, OTHER, RIGHT], 2 / 3, 3),  # one too many and one missing
        ([RIGHT, NOTHING, RIGHT], 1 / 2, 2),
        ([RIGHT, RIGHT, INVENTED], 1 / 3, 3),
        ([NOTHING, NOTHING, RIGHT], 1.0, 2),
    ],
)
def test_by_hand(llama: Path, fates: list[str], wrong: float, values: int) -> None:
    found, weights = held(llama, [row({"thing": "hat", "colour": "red"}, weight=0.5)], [fates])
    assert found == pytest.approx([wrong]) and weights == [0.5 * values]


def test_what_nobody_told_does_not_count(llama: Path) -> None:
    told = row({"thing": "hat"}, told="thing")
    assert held(llama, [told], [[RIGHT, INVENTED, INVENTED]]) == ([0.0], [1.0])
    nothing = row({"thing": "hat"}, told="place")
    assert held(llama, [nothing], [[OTHER, RIGHT, RIGHT]]) == ([0.0], [0.0])


@given(
    rows=st.lists(
        st.tuples(
            st.lists(st.booleans(), min_size=3, max_size=3),  # which fields have a value
            st.lists(st.sampled_from([True, False]), min_size=3, max_size=3),  # which are right
        ),
        min_size=1,
        max_size=4,
    )
)
def test_the_average_is_what_f1_follows_from(llama: Path, rows: list[tuple[list[bool], list[bool]]]) -> None:
    names, made, fates = list(FIELDS), [], []
    true = claimed = there = 0
    for has, right in rows:
        made.append(row({name: "hat" for name, yes in zip(names, has, strict=True) if yes}))
        fates.append([RIGHT if yes else OTHER if has[n] else INVENTED for n, yes in enumerate(right)])
        true += sum(a and b for a, b in zip(has, right, strict=True))
        there += sum(has)
        claimed += sum(a or not b for a, b in zip(has, right, strict=True))
    found, weights = held(llama, made, fates)
    import torch

    same = 1 - average(torch.tensor(found), torch.tensor(weights))
    if there or claimed:
        assert 2 * same / (1 + same) == pytest.approx(2 * true / (there + claimed), abs=1e-6)


def test_records_are_what_students_of_extraction_learn() -> None:
    assert Recording.lesson is Records and Records.trainer > causal.Answers.trainer
