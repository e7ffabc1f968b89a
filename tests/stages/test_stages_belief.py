"""How far rows weigh that a teacher has marked and no person has seen."""

from __future__ import annotations

import pytest

from factory.row import Lineage, Row
from factory.span import Span
from factory.spec import Student
from factory.stages.model import choosing
from factory.stages.reading import Pair
from factory.stages.spans import ENOUGH, Spans

PEAR, PAN = Span(start=0, end=4, label="Food"), Span(start=9, end=12, label="Tool")


def pair(number: int, people: tuple[Span, ...], teacher: tuple[Span, ...]) -> Pair:
    row = Row(text=f"pear and pan {number}", spans=people, origin="reviewed", lineage=Lineage(spec="test/kitchen#0"))
    return row, {"spans": [span.model_dump() for span in teacher]}


@pytest.mark.parametrize(("right", "believed"), [(ENOUGH, 1.0), (ENOUGH // 4, 0.25), (0, 0.0)])
def test_a_teacher_is_believed_as_often_as_it_marks_a_row_as_people_did(right: int, believed: float) -> None:
    pairs = [pair(number, (PEAR, PAN), (PEAR, PAN) if number < right else (PEAR,)) for number in range(ENOUGH)]
    assert Spans().belief(pairs) == believed
    assert Spans().belief(pairs[1:]) == 1.0, "too few to tell"


def test_rows_that_weigh_little_in_training_still_choose_the_epoch() -> None:
    rows = [pair(number, (), ())[0].model_copy(update={"weight": weight}) for number, weight in enumerate((1.0, 0.05))]
    assert [row.weight for row in choosing(rows, Student(synthetic_weight=0.5))] == [1.0, 0.5]
