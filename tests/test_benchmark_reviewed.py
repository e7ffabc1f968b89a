"""What more of people's rows are worth, or none, is measured with nothing else changed."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from pathlib import Path

import pytest

from factory.settings import CHECKOUT
from tests import kitchen, shop, tiny_encoder
from tests.conftest import Factory


@pytest.mark.real
def test_a_student_is_measured_with_all_of_peoples_rows_and_with_a_few(tmp_path: Path) -> None:
    encoder = tiny_encoder.make(tmp_path / "tiny-encoder", kitchen.every_text(), hidden=64)
    teacher, out = shop.Teacher(answer=kitchen.teach), tmp_path / "table.csv"
    home = Factory(tmp_path / "home", tmp_path / "prompts", tmp_path / "gold", teacher, encoder)
    kitchen.make_specialist(home.prompts / "test/kitchen", home.gold, {"student": {"encoder": str(encoder)}})
    command = [sys.executable, "benchmarks/reviewed.py", "test/kitchen", "--reviewed", "6", "all", "--out", str(out)]
    environment = os.environ | home.variables | {"PYTHONPATH": str(CHECKOUT)}
    try:
        ended = subprocess.run(command, cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=False)
    finally:
        teacher.stop()
    assert ended.returncode == 0, ended.stdout + ended.stderr
    with out.open(newline="") as file:
        every, few = sorted(csv.DictReader(file), key=lambda line: int(line["reviewed"]), reverse=True)
    assert (every["reviewed"], few["reviewed"]) == ("18", "6")
    assert int(few["reviewed_kept"]) <= 6 < int(every["reviewed_kept"]) <= 18
    assert (every["metric"], every["beside"], every["gold"]) == ("span_f1", "features", "30")
    assert float(every["low"]) <= float(every["value"]) <= float(every["high"]) and float(every["value"]) > 0.8
