"""What a recipe's changes are read as, and what they are worth where spans are marked."""

from __future__ import annotations

import csv
import dataclasses
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.parts.recipe import changed
from factory.errors import FactoryError
from factory.settings import CHECKOUT
from factory.students.classifier import ContrastRecipe
from factory.students.training import Recipe
from tests import kitchen, shop, tiny_encoder
from tests.conftest import Factory

BASE = Recipe("encoder", ("sad", "glad"), max_tokens=8)


def test_changes_are_numbers_of_their_kind() -> None:
    assert changed(BASE, "dropout=0.1,rank=32") == dataclasses.replace(BASE, dropout=0.1, rank=32)
    assert changed(BASE, "") == BASE
    labels = ContrastRecipe("encoder", ("sad", "glad"), max_tokens=8)
    assert changed(labels, "contrast=0") == dataclasses.replace(labels, contrast=0.0)


@pytest.mark.parametrize("text", ["colour=1", "rank=many", "rank=1.5", "rank", "encoder=x", "contrast=0"])
def test_another_key_or_no_number_is_refused_by_name(text: str) -> None:
    with pytest.raises(FactoryError, match="A recipe has no"):
        changed(BASE, text)


@pytest.mark.real
def test_recipes_of_spans_are_measured_by_strict_f1(tmp_path: Path) -> None:
    encoder = tiny_encoder.make(tmp_path / "tiny-encoder", kitchen.every_text(), hidden=64)
    teacher, out = shop.Teacher(answer=kitchen.teach), tmp_path / "table.csv"
    home = Factory(tmp_path / "home", tmp_path / "prompts", tmp_path / "gold", teacher, encoder)
    kitchen.make_specialist(home.prompts / "test/kitchen", home.gold, {"student": {"encoder": str(encoder)}})
    command = [sys.executable, "benchmarks/recipes.py", "test/kitchen", "--out", str(out)]
    command += ["--recipe", "epochs=1,rank=0"]
    environment = os.environ | home.variables | {"PYTHONPATH": str(CHECKOUT)}
    try:
        ended = subprocess.run(command, cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=False)
    finally:
        teacher.stop()
    assert ended.returncode == 0, ended.stdout + ended.stderr
    with out.open(newline="") as file:
        own, other = sorted(csv.DictReader(file), key=lambda line: line["recipe"])
    assert (own["recipe"], other["recipe"], other["epochs"]) == ("as the spec says", "epochs=1,rank=0", "1")
    assert float(own["span_f1"]) > 0.8 and not own["accuracy"] and float(own["points_gained"]) == 0
    gained = 100 * (float(other["span_f1"]) - float(own["span_f1"]))
    assert float(other["points_gained"]) == pytest.approx(gained, abs=0.02)
