"""The strategy table is measured, and measured again without asking anybody."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from pathlib import Path

import pytest

from factory.settings import CHECKOUT
from tests import kitchen, shop, tiny_encoder
from tests.conftest import NAME, Factory

pytestmark = pytest.mark.real


def measured(home: Factory, name: str, out: Path, *strategies: str) -> tuple[list[dict[str, str]], str]:
    """The lines of the table, and what was printed; of at most 900 tokens and 24 rows a measurement, one seed."""
    command = [sys.executable, "benchmarks/strategies.py", "--spec", name, "--tokens", "900", "--rows", "24"]
    command += ["--seeds", "1", "--judge", "5", "--out", str(out), "--strategies", *strategies]
    environment = os.environ | home.variables | {"PYTHONPATH": str(CHECKOUT)}
    ended = subprocess.run(command, cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    with out.open(newline="") as file:
        return list(csv.DictReader(file)), ended.stdout


def sound(lines: list[dict[str, str]], metric: str, *strategies: str) -> None:
    """Every strategy is there with and without logs, within its budget, and has its figure."""
    assert {(line["strategy"], line["logs"]) for line in lines} == {
        (strategy, logs) for strategy in strategies for logs in ("no", "yes")
    }
    for line in lines:
        assert 0 <= float(line[metric]) <= 1 and int(line["tokens_written_and_read"]) <= 900
        assert (int(line["tokens_written_and_read"]) > 0) == (line["strategy"] != "none")
        assert bool(line["points_per_1000_tokens"]) == (line["strategy"] != "none")


def test_the_table_is_written_and_going_on_asks_nothing(factory: Factory, tmp_path: Path) -> None:
    home, out = factory.elsewhere(tmp_path / "home"), tmp_path / "table.csv"
    asked_for = ("none", "contrastive", "out_of_scope")
    lines, told = measured(home, NAME, out, *asked_for)
    assert "out_of_scope is left out" in told
    sound(lines, "accuracy", "none", "contrastive")
    asked = len(factory.teacher.asked)
    assert measured(home, NAME, out, *asked_for)[0] == lines and len(factory.teacher.asked) == asked


def test_spans_are_measured_by_strict_f1(tmp_path: Path) -> None:
    encoder = tiny_encoder.make(tmp_path / "tiny-encoder", kitchen.every_text(), hidden=64)
    teacher = shop.Teacher(answer=kitchen.teach)
    home = Factory(tmp_path / "home", tmp_path / "prompts", tmp_path / "gold", teacher, encoder)
    student = {"encoder": str(encoder), "max_tokens": 20}
    kitchen.make_specialist(home.prompts / "test/kitchen", home.gold, {"student": student})
    try:
        lines, told = measured(home, "test/kitchen", tmp_path / "table.csv", "none", "marked", "contrastive")
    finally:
        teacher.stop()
    sound(lines, "span_f1", "none", "marked")
    found = {(line["strategy"], line["logs"]): line for line in lines}
    assert float(found["marked", "yes"]["span_f1"]) > 0.5  # words of a small world
    assert not any(line["accuracy"] for line in lines) and "marked          logs yes  span_f1 " in told
    for strategy in ("none", "marked"):
        more = int(found[strategy, "yes"]["rows_in_all"]) - int(found[strategy, "no"]["rows_in_all"])
        assert 0 < more <= 5  # as many real texts as may be judged, less what is too like gold
    assert int(found["marked", "no"]["rows_in_all"]) > int(found["none", "no"]["rows_in_all"])
