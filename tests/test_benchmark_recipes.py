"""What a recipe's changes are read as, and what they are worth where spans are marked."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from benchmarks.parts.recipe import changed
from factory.errors import FactoryError
from factory.students.classifier import ContrastRecipe
from factory.students.lesson import Recipe
from tests import benchmark

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
    found = benchmark.table("recipes.py", tmp_path, "--recipe", "epochs=1,rank=0")
    own, other = sorted(found, key=lambda line: line["recipe"])
    assert (own["recipe"], other["recipe"], other["epochs"]) == ("as the spec says", "epochs=1,rank=0", "1")
    assert float(own["span_f1"]) > 0.8 and not own["accuracy"] and float(own["points_gained"]) == 0
    gained = 100 * (float(other["span_f1"]) - float(own["span_f1"]))
    assert float(other["points_gained"]) == pytest.approx(gained, abs=0.02)
