"""Which epoch of a training is kept: the rule, and that the model which comes of it is that epoch's."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory.files import read_json
from factory.row import Lineage, Row
from factory.students import tagger
from factory.students.lesson import Recipe, average, error
from factory.students.training import kept, train, waited
from tests import kitchen, tiny_encoder


def history(*figures: tuple[float, float]) -> list[dict[str, float]]:
    return [{"held_out": figure, "error": error} for figure, error in figures]


HISTORIES = st.lists(st.tuples(st.sampled_from([0.1, 0.2, 0.25, 0.3, 0.5]), st.floats(0, 0.2)), min_size=1, max_size=12)


def test_a_later_epoch_that_is_hardly_worse_is_kept() -> None:
    some = history((0.5, 0.3), (0.30, 0.06), (0.35, 0.01), (0.37, 0.9))
    assert (kept(some), kept(some, 0.5), kept(some, 1), kept(some, 2)) == (1, 1, 2, 3)
    assert waited(some) == 2 and waited([]) == 0


@given(HISTORIES, st.sampled_from([0.0, 1.0, 2.0]))
def test_what_is_kept_is_what_was_kept_before_or_the_newest(figures: list[tuple[float, float]], within: float) -> None:
    some = history(*figures)
    for number in range(1, len(some)):
        assert kept(some[: number + 1], within) in (kept(some[:number], within), number)
    chosen = some[kept(some, within)]["held_out"]
    least = some[kept(some)]
    assert least["held_out"] <= chosen <= least["held_out"] + within * least["error"]


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0.1, 4)), min_size=1, max_size=20))
def test_the_error_is_that_of_rows_drawn_again(rows: list[tuple[float, float]]) -> None:
    import torch

    wrong, weights = (torch.tensor(part, dtype=torch.float64) for part in zip(*rows, strict=True))
    figure = average(wrong, weights)
    by_hand = sum((w * (x - figure)) ** 2 for x, w in rows) ** 0.5 / sum(w for _, w in rows)
    assert error(wrong, weights) == pytest.approx(by_hand, abs=1e-9)
    assert error(wrong, 0 * weights) == 0


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Recipe:
    encoder = tiny_encoder.make(tmp_path_factory.mktemp("encoder"), kitchen.every_text(), hidden=64)
    return Recipe(str(encoder), tuple(kitchen.WORDS), max_tokens=16, rank=2, learning_rate=5e-3)


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    samples = (kitchen.sample(list(kitchen.MIDDLES)[number % 4], number) for number in range(24))
    return [Row(text=text, spans=spans, origin="reviewed", lineage=Lineage(spec="s")) for text, spans in samples]


def test_of_heads_the_lowest_is_kept(recipe: Recipe, rows: list[Row], tmp_path: Path) -> None:
    train(tagger.Tags, rows[:20], rows[20:], dataclasses.replace(recipe, frozen=True), tmp_path)
    said = read_json(tmp_path / "training.json")
    assert len(said["epochs"]) > 1 and said["kept"] == kept(said["epochs"])


def test_the_model_is_that_of_the_epoch_kept(recipe: Recipe, rows: list[Row], tmp_path: Path) -> None:
    """Whatever the rows held out say: here it is what the test says."""
    import torch

    heads: list[Any] = []
    # Of two rows, with what is wrong of them; the third epoch is within a standard error of the second.
    told = [(0.9, 0.9), (0.2, 0.4), (0.3, 0.38), (0.5, 0.6), (0.9, 0.9)]

    class Told(tagger.Tags):
        def held_out(self, encoder: Any) -> tuple[Any, Any]:
            heads.append(encoder.model.classifier.weight.detach().clone())
            return torch.tensor(told[min(len(heads), len(told)) - 1]), torch.ones(2)

    train(Told, rows[:20], rows[20:], dataclasses.replace(recipe, epochs=len(told)), tmp_path)
    said = read_json(tmp_path / "training.json")
    assert said["kept"] == 2 and len(said["epochs"]) == len(told)
    *epochs, last = heads
    assert [torch.equal(one, last) for one in epochs] == [False, False, True, False, False]
