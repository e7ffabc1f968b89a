"""What held-out rows tell of a student that writes, whatever runs behind it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from factory.errors import FactoryError
from factory.row import Lineage, Origin, Row
from factory.stages import writing
from factory.stages.answering import Answering
from factory.students.causal import WritingRecipe
from factory.students.export import FP32, INT8
from zoo.writer import Written

RECIPE = WritingRecipe("base", ("answer",), 64)
Answer = Callable[[str], Written]


class Says:
    """Something loaded that answers."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer

    def predict(self, text: str | list[str]) -> Written | list[Written]:
        return self._answer(text) if isinstance(text, str) else [self._answer(one) for one in text]


def right(text: str) -> Written:
    """The text itself is the answer, the surer the longer."""
    return Written(text, min(1.0, len(text) / 40), unsure=False, complete=True)


def held(n: int, origin: Origin) -> list[Row]:
    texts = [f"{'very ' * (number % 5)}good answer number {number}" for number in range(n)]
    return [Row(text=text, answer=text, origin=origin, lineage=Lineage(spec="s")) for text in texts]


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> dict[str, Answer]:
    """What answers, by the export's path; torch's is the empty one."""
    ways: dict[str, Answer] = {"": right, FP32: right, INT8: right}
    monkeypatch.setattr(writing, "opened", lambda folder, kind, labels, most, export: Says(ways[export]))
    return ways


def test_a_threshold_is_shown_where_people_answered_enough_rows(opened: dict[str, Answer]) -> None:
    found = Answering().calibrate(Path("x"), held(100, "reviewed"), RECIPE, 0.1)
    assert found.bound and found.bound.coverage == 1.0 and found.temperature == 1.0
    assert found.parity[FP32] == {"same_answer": 1.0, "rows": 40} == found.parity[INT8]
    assert Answering().calibrate(Path("x"), held(100, "generated"), RECIPE, 0.1).bound is None


def test_an_answer_that_broke_off_is_never_sure(opened: dict[str, Answer]) -> None:
    opened[INT8] = lambda text: Written("Another.", 0.99, True, False) if "very" not in text else right(text)
    rows = held(200, "reviewed")
    found = Answering().calibrate(Path("x"), rows, RECIPE, 0.1)
    assert found.bound and found.bound.confidence > 0 and found.bound.coverage == pytest.approx(0.8)
    assert Answering().agreement(found.parity) == pytest.approx(0.8) and found.weights == "int8"
    said = Answering().answers(Says(opened[INT8]), [rows[0].text, rows[1].text])
    assert said.scores == [(0.0,), (right(rows[1].text).score,)]


def test_where_int8_writes_something_else_to_most_texts_fp32_is_published(opened: dict[str, Answer]) -> None:
    opened[INT8] = lambda text: right("Nonsense.") if "very" in text else right(text)
    found = Answering().calibrate(Path("x"), held(100, "reviewed"), RECIPE, 0.1)
    assert Answering().agreement(found.parity) == pytest.approx(0.2) and found.weights == "fp32"
    assert found.bound and found.bound.coverage == 1.0  # the threshold is over fp32's scores


def test_an_export_that_answers_otherwise_is_refused(opened: dict[str, Answer]) -> None:
    opened[FP32] = lambda text: right("Something else.")
    with pytest.raises(FactoryError, match="answers differently from torch"):
        Answering().calibrate(Path("x"), held(20, "generated"), RECIPE, 0.1)
