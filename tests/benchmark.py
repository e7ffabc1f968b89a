"""A benchmark's command on the kitchen, a specialist of spans, and the table that it writes."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from pathlib import Path

from factory.settings import CHECKOUT
from tests import kitchen, shop, tiny_encoder
from tests.conftest import Factory


def table(file: str, folder: Path, *arguments: str) -> list[dict[str, str]]:
    """The lines of what `benchmarks/<file> test/kitchen ARGUMENTS` writes, in a new factory in the folder."""
    encoder = tiny_encoder.make(folder / "tiny-encoder", kitchen.every_text(), hidden=64)
    teacher, out = shop.Teacher(answer=kitchen.teach), folder / "table.csv"
    home = Factory(folder / "home", folder / "prompts", folder / "gold", teacher, encoder)
    kitchen.make_specialist(home.prompts / "test/kitchen", home.gold, {"student": {"encoder": str(encoder)}})
    command = [sys.executable, f"benchmarks/{file}", "test/kitchen", "--out", str(out), *arguments]
    environment = os.environ | home.variables | {"PYTHONPATH": str(CHECKOUT)}
    try:
        ended = subprocess.run(command, cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=False)
    finally:
        teacher.stop()
    assert ended.returncode == 0, ended.stdout + ended.stderr
    with out.open(newline="") as lines:
        return list(csv.DictReader(lines))
