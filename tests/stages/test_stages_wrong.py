"""What is wrong with what a student said of rows, one figure a row: the lower the better."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from factory.evidence import calibration
from factory.row import Lineage, Row
from factory.stages.model import OF_KIND
from factory.stages.student import Certainty
from factory.students.lesson import Recipe

ROWS = [Row(text=str(n), label="ab"[n % 2], origin="reviewed", lineage=Lineage(spec="s")) for n in range(4)]
RECIPE = Recipe("encoder", ("a", "b"), max_tokens=8)


def test_of_labels_it_is_the_cross_entropy_at_the_best_temperature() -> None:
    student, said = OF_KIND["classification"], [[[3.0, 0.0]], [[-1.0, 0.5]], [[0.2, 0.6]], [[-2.0, 2.0]]]
    values, gold = np.concatenate(said), [0, 1, 0, 1]
    p = calibration.probabilities(values, calibration.temperature(values, np.array(gold)))
    found = student.wrong(Path("nowhere"), RECIPE, ROWS, said)
    assert found == pytest.approx([-np.log(p[row, label]) for row, label in enumerate(gold)], rel=1e-3)
    assert np.argmax(found) == 2, "the one that is wrong"


def test_of_spans_it_is_the_mean_over_a_texts_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    student = OF_KIND["spans"]
    wanted = np.eye(3, dtype=np.float32)[[0, 0, 1, 2, 0, 0]]

    def targets(folder: Path, recipe: Recipe, rows: Sequence[Row]) -> NDArray[np.float32]:
        return wanted

    monkeypatch.setattr(student, "targets", targets)
    lines = np.log(np.array([[8, 1, 1], [1, 1, 8], [1, 8, 1], [1, 1, 8], [8, 1, 1], [8, 1, 1]]) / 10)
    said = [lines[:1].tolist(), lines[1:3].tolist(), lines[3:].tolist()]
    one, two, three = student.wrong(Path("nowhere"), RECIPE, ROWS[:3], said)
    assert one == pytest.approx(three) and two > one
    p = calibration.probabilities(lines, calibration.temperature(lines, wanted))
    assert two == pytest.approx(-np.log([p[1, 0], p[2, 1]]).mean(), rel=1e-3)


def test_of_what_is_written_it_is_whether_it_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    student = OF_KIND["generation"]

    def certainty(folder: Path, recipe: Any, rows: Sequence[Row], said: Sequence[Any], scale: float) -> Certainty:
        return Certainty([0.5] * len(rows), [one == row.label for one, row in zip(said, rows, strict=True)], ())

    monkeypatch.setattr(student, "certainty", certainty)
    assert student.wrong(Path("nowhere"), RECIPE, ROWS, ["a", "a", "b", "b"]) == [0.0, 1.0, 1.0, 0.0]
