"""How far rows weigh that a teacher has marked and no person has seen."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from factory.hygiene import run as hygiene
from factory.row import Lineage, Origin, Row
from factory.span import locate
from factory.spec_student import Student
from factory.stages import believing
from factory.stages.believing import BELIEFS, FEWEST, Believed, believed
from factory.stages.model import choosing
from factory.stages.spans import Spans
from factory.students.encoder import Encoder
from tests import tiny_encoder
from zoo import decoding
from zoo.claims import Claim

LABELS = ["Food"]
FOODS = [f"food{number}" for number in range(40)]
TOOLS = [f"tool{number}" for number in range(40)]


def row(food: str, tool: str, marked: str, place: int, origin: Origin) -> Row:
    text = f"{food} lay beside {tool} on plate {place}"
    spans, _ = locate(text, [Claim(marked, "Food")], LABELS)
    lineage = Lineage(spec="test/kitchen#0", teacher="" if origin == "reviewed" else "a teacher")
    return Row(text=text, spans=spans, origin=origin, weight=1.0 if origin == "reviewed" else 0.5, lineage=lineage)


PEOPLE = [row(food, tool, food, 1, "reviewed") for food, tool in zip(FOODS, TOOLS, strict=True)]


def of_teacher(marks: Callable[[str, str], str]) -> list[Row]:
    """Three texts of every word, which people's rows have once."""
    return [
        row(food, TOOLS[(number + shift) % 40], marks(food, TOOLS[(number + shift) % 40]), 2, "unlabelled")
        for number, food in enumerate(FOODS)
        for shift in (3, 5, 7)
    ]


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Encoder:
    rows = [*PEOPLE, *of_teacher(lambda food, tool: food)]
    folder = tiny_encoder.make(tmp_path_factory.mktemp("encoder"), [one.text for one in rows], hidden=64)
    return Encoder.load(folder, decoding.tags(LABELS), 32)


def measured(teacher: list[Row], encoder: Encoder, people: list[Row] = PEOPLE) -> Believed | None:
    return believed([*people, *teacher], {one.id for one in teacher}, encoder, LABELS)


def test_a_teacher_that_knows_what_people_do_not_say_is_believed(encoder: Encoder) -> None:
    found = measured(of_teacher(lambda food, tool: food), encoder)
    assert found and found.value > min(BELIEFS) and found.rows == len(PEOPLE)
    assert found.tried[found.value] > found.tried[min(BELIEFS)]


def test_a_teacher_that_always_errs_alike_is_believed_least(encoder: Encoder) -> None:
    found = measured(of_teacher(lambda food, tool: tool), encoder)
    assert found and found.value == min(BELIEFS) and found.tried[1.0] < found.tried[found.value]


def test_with_few_of_peoples_rows_or_nothing_of_a_teachers_nothing_is_known(encoder: Encoder) -> None:
    assert measured(of_teacher(lambda food, tool: tool), encoder, PEOPLE[: FEWEST - 1]) is None
    assert measured([], encoder) is None
    picked = [
        one.model_copy(update={"lineage": Lineage(spec="s", source="corrected in production: 1")}) for one in PEOPLE
    ]
    assert measured(of_teacher(lambda food, tool: tool), encoder, picked) is None, "no sample of what comes"


def test_rows_that_rest_on_one_source_do_not_tell(encoder: Encoder) -> None:
    same = [one.model_copy(update={"lineage": Lineage(spec="s", source="one letter")}) for one in PEOPLE]
    assert measured(of_teacher(lambda food, tool: tool), encoder, same) is None


def test_where_people_marked_nothing_a_teacher_that_marks_is_not_believed(encoder: Encoder) -> None:
    bare = [one.model_copy(update={"spans": ()}) for one in PEOPLE]
    found = measured(of_teacher(lambda food, tool: food), encoder, bare)
    assert found and found.value == 0.0


def test_of_many_rows_some_are_learned_and_weigh_for_all(encoder: Encoder, monkeypatch: pytest.MonkeyPatch) -> None:
    teacher = of_teacher(lambda food, tool: tool)
    every = measured(teacher, encoder)
    monkeypatch.setattr(believing, "MOST", 200)
    some = measured(list(reversed(teacher)), encoder)
    assert some == measured(teacher, encoder) and every and some
    assert some.value == min(BELIEFS) and some.tried[1.0] < some.tried[some.value]


def test_only_what_a_teacher_marked_weighs_less(encoder: Encoder) -> None:
    teacher = of_teacher(lambda food, tool: tool)
    replaced = [
        one.model_copy(update={"text": one.text + " again", "origin": "generated", "weight": 0.5}) for one in PEOPLE
    ]
    build: Any = SimpleNamespace(encoder=encoder, labels=LABELS, meter=lambda *told: lambda done, total: None)
    weighed, told = Spans().weighed(build, [*PEOPLE, *replaced, *teacher])
    assert [one.weight for one in weighed] == [1.0] * 40 + [0.5] * 40 + [0.0] * 120
    assert [hygiene.sound(one) for one in weighed] == [True] * 80 + [False] * 120
    assert weighed[-1].verdicts[-1].reason.startswith("not believed: ")
    assert told["belief in the teacher's marks"].startswith("0 (")
    some = Believed(0.1, {}, 40).weighed(teacher[0])
    assert some.weight == 0.05 and hygiene.sound(some)
    assert Spans().weighed(build, teacher) == (teacher, {}), "nobody tells"


def test_what_was_tried_is_told() -> None:
    said = Believed(0.1, {1.0: 0.5, 0.1: 0.625}, 40).sentence
    assert said == "0.1 (span F1 on 40 of people's rows that a linear head has not learned, 1: 50.0, 0.1: 62.5)"


def test_rows_that_weigh_little_in_training_still_choose_the_epoch() -> None:
    rows = [one.model_copy(update={"weight": weight}) for one, weight in zip(PEOPLE, (1.0, 0.05), strict=False)]
    assert [one.weight for one in choosing(rows, Student(synthetic_weight=0.5))] == [1.0, 0.5]
