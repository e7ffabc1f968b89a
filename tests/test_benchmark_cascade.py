"""A cascade is measured on a specialist that was built here, and measured again without asking anybody."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from pathlib import Path

import pytest

import zoo
from factory.settings import CHECKOUT
from tests.conftest import NAME, Factory

pytestmark = pytest.mark.real


def measured(built: Factory, out: Path, *more: str) -> dict[str, dict[str, str]]:
    """The table's lines by system; the large model is the loopback teacher, asked about 12 rows."""
    command = [sys.executable, "benchmarks/cascade.py", NAME, "--sample", "12", "--out", str(out), *more]
    command += ["--url", built.teacher.server.url, "--model", "loopback"]
    environment = os.environ | built.variables | {"PYTHONPATH": str(CHECKOUT), "FACTORY_TEACHER_URL": ""}
    ended = subprocess.run(command, cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    with out.open(newline="") as file:
        return {
            f"{line['system']}{', shown' * (line['shots'] not in ('', '0'))}": line for line in csv.DictReader(file)
        }


def test_a_cascade_is_measured_and_going_on_asks_nothing(built: Factory, tmp_path: Path) -> None:
    before, out = len(built.teacher.asked), tmp_path / "cascade.csv"
    found = measured(built, out, "--read-price", "1", "--write-price", "2")
    assert len(built.teacher.asked) == before + 12
    gold, specialist = built.gold_rows(), zoo.load(NAME, hub=built.home / "hub")
    said = specialist.predict([row.text for row in gold])
    right = sum(one.label == row.label for one, row in zip(said, gold, strict=True))
    everything, large, cascade = (found[name] for name in ("specialist", "large model", "cascade"))
    assert (int(everything["n"]), everything["rows"]) == (len(gold), "all")
    assert float(everything["value"]) == pytest.approx(right / len(gold), abs=1e-4)
    unsure = sum(one.unsure for one in said) / len(said)
    assert float(everything["left_unsure"]) == pytest.approx(unsure, abs=1e-4) and everything["promise"]
    assert int(large["n"]) == int(cascade["n"]) == 12 and "stratified 12 of" in large["rows"] == cascade["rows"]
    assert float(cascade["answered_by_specialist"]) + float(cascade["passed_on"]) == pytest.approx(1)
    assert float(large["seconds_a_text"]) > 0 and float(large["price_a_text"]) > 0
    saved = 1 - float(cascade["price_a_text"]) / float(large["price_a_text"])
    assert float(cascade["price_saved"]) == pytest.approx(saved, abs=1e-3)
    assert float(cascade["points_low"]) <= float(cascade["points_over_large_model"]) <= float(cascade["points_high"])

    asked = len(built.teacher.server.asked)
    shown = measured(built, out, "--shots", "9", "--read-price", "1")
    assert [len(body["messages"]) >= 11 for body in built.teacher.server.asked[asked:]] == [True] * 12
    assert float(shown["large model, shown"]["price_a_text"]) > float(large["price_a_text"])
    assert {*found, "large model, shown", "cascade, shown"} == set(shown)

    before = len(built.teacher.asked) - 12
    again = measured(built, out, "--read-price", "1", "--write-price", "2")
    assert len(built.teacher.asked) == before + 12
    assert {name: again[name]["value"] for name in found} == {name: line["value"] for name, line in found.items()}
    assert again["large model"]["seconds_a_text"] == large["seconds_a_text"]
