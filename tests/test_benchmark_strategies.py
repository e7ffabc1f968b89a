"""The strategy table is measured, and measured again without asking anybody."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from pathlib import Path

import pytest

from factory.settings import CHECKOUT
from tests.conftest import NAME, Factory

pytestmark = pytest.mark.real


def test_the_table_is_written_and_going_on_asks_nothing(factory: Factory, tmp_path: Path) -> None:
    home, out = factory.elsewhere(tmp_path / "home"), tmp_path / "table.csv"
    command = [sys.executable, "benchmarks/strategies.py", "--spec", NAME, "--tokens", "900", "--rows", "24"]
    command += [
        "--seeds",
        "1",
        "--judge",
        "5",
        "--out",
        str(out),
        "--strategies",
        "none",
        "contrastive",
        "out_of_scope",
    ]
    environment = os.environ | home.variables | {"PYTHONPATH": str(CHECKOUT)}

    def run() -> list[dict[str, str]]:
        ended = subprocess.run(command, cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=False)
        assert ended.returncode == 0, ended.stdout + ended.stderr
        assert "out_of_scope is left out" in ended.stdout
        with out.open(newline="") as file:
            return list(csv.DictReader(file))

    lines = run()
    assert {(line["strategy"], line["logs"]) for line in lines} == {
        (strategy, logs) for strategy in ("none", "contrastive") for logs in ("no", "yes")
    }
    for line in lines:
        assert 0 <= float(line["accuracy"]) <= 1 and int(line["tokens_written_and_read"]) <= 900
        assert (int(line["tokens_written_and_read"]) > 0) == (line["strategy"] != "none")
        assert bool(line["points_per_1000_tokens"]) == (line["strategy"] != "none")
    asked = len(factory.teacher.asked)
    assert run() == lines and len(factory.teacher.asked) == asked
