"""A benchmark's command on a small specialist, of spans or one that writes, and the table that it writes."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from factory.settings import CHECKOUT
from tests import kitchen, lost, shop, tiny_encoder, tiny_llama
from tests.conftest import Factory


def table(file: str, folder: Path, *arguments: str) -> list[dict[str, str]]:
    """The lines of what `benchmarks/<file> test/kitchen ARGUMENTS` writes, in a new factory in the folder."""
    return _written(file, folder, kitchen, "test/kitchen", {}, arguments)


def of_writing(file: str, folder: Path, *arguments: str) -> list[dict[str, str]]:
    """The same of test/lost, whose student is a tiny Llama of two layers."""
    causal = tiny_llama.make(folder / "tiny-llama", lost.every_text(), layers=2)
    student = {"base": str(causal), "recipe": "full", "learning_rate": 0.1, "max_tokens": 160}
    return _written(file, folder, lost, "test/lost", student, arguments)


def _written(
    file: str, folder: Path, place: ModuleType, name: str, student: Mapping[str, Any], arguments: Sequence[str]
) -> list[dict[str, str]]:
    encoder = tiny_encoder.make(folder / "tiny-encoder", place.every_text(), hidden=64)
    teacher, out = shop.Teacher(answer=place.teach), folder / "table.csv"
    home = Factory(folder / "home", folder / "prompts", folder / "gold", teacher, encoder)
    place.make_specialist(home.prompts / name, home.gold, {"student": {"encoder": str(encoder), **student}})
    command = [sys.executable, f"benchmarks/{file}", name, "--out", str(out), *arguments]
    environment = os.environ | home.variables | {"PYTHONPATH": str(CHECKOUT)}
    try:
        ended = subprocess.run(command, cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=False)
    finally:
        teacher.stop()
    assert ended.returncode == 0, ended.stdout + ended.stderr
    with out.open(newline="") as lines:
        return list(csv.DictReader(lines))
