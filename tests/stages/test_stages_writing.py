"""What held-out rows tell of a student that writes, whatever runs behind it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from factory.errors import FactoryError
from factory.row import Lineage, Row
from factory.stages import writing
from factory.stages.answering import Answering
from factory.stages.student import Certainty
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


def held(n: int) -> list[Row]:
    texts = [f"{'very ' * (number % 5)}good answer number {number}" for number in range(n)]
    return [Row(text=text, answer=text, origin="reviewed", lineage=Lineage(spec="s")) for text in texts]


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> dict[str, Answer]:
    """What answers, by the export's path; torch's is the empty one."""
    ways: dict[str, Answer] = {"": right, FP32: right, INT8: right}
    monkeypatch.setattr(writing, "opened", lambda folder, kind, labels, most, export: Says(ways[export]))
    return ways


def found(rows: list[Row], weights: str = "int8") -> Certainty:
    student, said = Answering(), Answering().says(Path("x"), RECIPE, rows, weights)
    assert student.temperature(Path("x"), RECIPE, rows, said) == 1.0
    return student.certainty(Path("x"), RECIPE, rows, said, 1.0)


def test_scores_are_taken_as_they_are(opened: dict[str, Answer]) -> None:
    rows = held(100)
    sure, correct, labels, texts = found(rows)
    assert labels == [""] * 100 and texts is None
    assert all(correct) and sure == [right(row.text).score for row in rows]
    same = {"same_answer": 1.0, "rows": 40}
    assert Answering().compare(Path("x"), rows, RECIPE) == {FP32: same, INT8: same}


def test_an_answer_that_broke_off_is_never_sure(opened: dict[str, Answer]) -> None:
    opened[INT8] = lambda text: Written("Another.", 0.99, True, False) if "very" not in text else right(text)
    rows = held(200)
    sure, correct, *_ = found(rows)
    assert [score > 0 for score in sure] == correct and sum(correct) == 160
    parity = Answering().compare(Path("x"), rows, RECIPE)
    assert Answering().agreement(parity) == pytest.approx(0.8)
    assert Answering().published(parity, Path("x")) == "int8"
    said = Answering().answers(Says(opened[INT8]), [rows[0].text, rows[1].text])
    assert said.scores == [(0.0,), (right(rows[1].text).score,)]


def test_where_int8_writes_something_else_to_most_texts_fp32_is_published(opened: dict[str, Answer]) -> None:
    opened[INT8] = lambda text: right("Nonsense.") if "very" in text else right(text)
    rows = held(100)
    parity = Answering().compare(Path("x"), rows, RECIPE)
    assert Answering().agreement(parity) == pytest.approx(0.2)
    assert Answering().published(parity, Path("x")) == "fp32"
    assert all(found(rows, "fp32")[1]) and not all(found(rows)[1])


def test_an_export_that_answers_otherwise_is_refused(opened: dict[str, Answer]) -> None:
    opened[FP32] = lambda text: right("Something else.")
    parity = Answering().compare(Path("x"), held(20), RECIPE)
    with pytest.raises(FactoryError, match="answers differently from torch"):
        Answering().published(parity, Path("x"))
