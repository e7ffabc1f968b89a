"""Our student beside others, and how it learns: the tables are measured on a small build."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from benchmarks.parts import contest
from factory.row import Lineage, Row
from factory.settings import CHECKOUT
from tests.conftest import NAME, Factory
from tests.shop import WORDS, text_of

pytestmark = pytest.mark.real


def measured(home: Factory, out: Path, *command: str) -> list[Mapping[str, str]]:
    """The lines of the table that a benchmark wrote."""
    environment = os.environ | home.variables | {"PYTHONPATH": str(CHECKOUT)}
    whole = [sys.executable, *command, "--spec", NAME, "--budget", "quick", "--out", str(out)]
    ended = subprocess.run(whole, cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    with out.open(newline="") as file:
        return list(csv.DictReader(file))


def contestants(*names: str) -> Sequence[str]:
    return [part for name in names for part in ("--contestant", name)]


def test_everybody_learns_the_same_rows_and_is_compared_with_the_student(factory: Factory, tmp_path: Path) -> None:
    names = ("student", "static")
    lines = measured(
        factory, tmp_path / "table.csv", "benchmarks/opponents.py", "--rows", "24", "--seeds", "2", *contestants(*names)
    )
    found = {line["contestant"]: line for line in lines}
    assert set(found) == set(names)
    assert {(line["rows"], line["gold"], line["seeds"]) for line in lines} == {("24", "60", "2")}
    student = float(found["student"]["accuracy"])
    for line in lines:
        ahead, low, high = (float(line[name]) for name in ("student_ahead", "low", "high"))
        assert ahead == pytest.approx(100 * (student - float(line["accuracy"])), abs=0.02) and low <= ahead <= high
    assert float(found["static"]["accuracy"]) > 0.4  # of three labels


def test_a_builds_rows_are_learned_with_and_without_people(built: Factory, tmp_path: Path) -> None:
    asked = len(built.teacher.asked)
    lines = measured(built, tmp_path / "table.csv", "benchmarks/learning.py", "--built", "--seeds", "2")
    assert len(built.teacher.asked) == asked
    machine = max(int(line["synthetic"]) for line in lines)
    assert machine > 20 and {line["reviewed"] for line in lines} == {"0", "30"}
    point = {(line["learner"], line["reviewed"], line["synthetic"], line["labels"]): line for line in lines}
    assert len(point) == 2 * (
        1 + 2 * 3 * 2
    )  # learners; people alone, then shares with and without them by hard and soft labels
    for learner in ("frozen", "tfidf"):
        soft, hard = (point[learner, "30", str(machine), labels] for labels in ("soft", "hard"))
        assert int(soft["rows"]) == 30 + machine and not hard["soft_ahead"]
        gained = 100 * (float(soft["accuracy"]) - float(hard["accuracy"]))
        assert float(soft["soft_ahead"]) == pytest.approx(gained, abs=0.02)
        assert float(point[learner, "30", "0", "hard"]["accuracy"]) > 0.4  # of three labels


def test_who_fails_says_why(tmp_path: Path) -> None:
    rows = [Row(text=text_of(label, 1), label=label, origin="reviewed", lineage=Lineage(spec="s")) for label in WORDS]
    task: contest.Task = {
        "spec": "no/such", "budget": "quick", "encoder": str(tmp_path), "labels": list(WORDS), "max_tokens": 16,
        "rows": [row.to_json() for row in rows], "texts": ["one"], "seed": 1, "pairs": 1, "kept": str(tmp_path),
    }  # fmt: skip
    with pytest.raises(RuntimeError, match=r"(?s)student: .*no/such"):
        contest.ask(Path(sys.executable), "benchmarks.parts.house", "student", task, 1)
