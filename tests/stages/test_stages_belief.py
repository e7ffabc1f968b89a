"""How far rows weigh that a teacher has marked and no person has seen."""

from __future__ import annotations

import pytest

from factory.row import Lineage, Row
from factory.span import Span
from factory.stages.reading import Pair
from factory.stages.spans import ENOUGH, Spans

PEAR, PAN = Span(start=0, end=4, label="Food"), Span(start=9, end=12, label="Tool")


def pair(number: int, people: tuple[Span, ...], teacher: tuple[Span, ...]) -> Pair:
    row = Row(text=f"pear and pan {number}", spans=people, origin="reviewed", lineage=Lineage(spec="test/kitchen#0"))
    return row, {"spans": [span.model_dump() for span in teacher]}


@pytest.mark.parametrize(
    ("teacher", "believed"),
    [((PEAR, PAN), 1.0), ((PEAR,), 2 / 3), ((PAN.model_copy(update={"end": 14}),), 0.0), ((), 0.0)],
)
def test_a_teacher_is_believed_as_far_as_it_marks_what_people_do(teacher: tuple[Span, ...], believed: float) -> None:
    pairs = [pair(number, (PEAR, PAN), teacher) for number in range(ENOUGH)]
    assert Spans().belief(pairs) == pytest.approx(believed, abs=1e-4)
    assert Spans().belief(pairs[1:]) == 1.0, "too few to tell"


def test_where_nothing_is_to_be_marked_nothing_tells() -> None:
    assert Spans().belief([pair(number, (), ()) for number in range(ENOUGH)]) == 1.0
