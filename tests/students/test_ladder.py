"""Rungs are climbed as long as the next pays by more than chance; a climb cut short goes on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from factory.errors import FactoryError
from factory.files import read_json, write_json
from factory.row import Row
from factory.stages.model import OF_KIND, method_of
from factory.students import classifier, ladder
from factory.students.causal import WritingRecipe
from factory.students.encoder import Encoder
from factory.students.lesson import Recipe, average
from factory.students.training import HELD_OUT

BASE = classifier.ContrastRecipe("encoder", ("parcel", "money"), max_tokens=24, rank=2, learning_rate=1e-2)
METHODS = ("frozen", "lora", "full")
Fit = Callable[[Recipe, Path], None]


def fitter(wrong: dict[str, Sequence[float]], done: list[str]) -> Fit:
    """What `trains`: leaves a model that is so wrong on each held-out row, and says that it was called."""

    def fit(recipe: Recipe, out: Path) -> None:
        done.append(recipe.method)
        out.mkdir(parents=True, exist_ok=True)
        (out / "model.safetensors").write_text(recipe.method)
        for folder in ("adapter", "checkpoint", "crew"):  # one is of the model, two are what a kill leaves
            (out / folder).mkdir()
            (out / folder / "file").write_text(recipe.method)
        write_json(out / HELD_OUT, {"wrong": list(wrong[recipe.method]), "weights": [1.0] * len(wrong[recipe.method])})
        write_json(out / "training.json", {"recipe": recipe.method})

    return fit


def test_each_method_has_its_recipe() -> None:
    frozen, lora, full = ladder.recipes(BASE, METHODS)
    assert [one.method for one in (frozen, lora, full)] == list(METHODS)
    assert lora == BASE and full == replace(BASE, rank=0, learning_rate=1e-3)


def test_four_bits_are_no_rung() -> None:
    (recipe,) = ladder.recipes(WritingRecipe("model", ("answer",), 24), ["qlora"])
    assert (recipe.quantized, recipe.rank, recipe.method) == (True, 16, "qlora")
    assert all("qlora" not in student.methods for student in OF_KIND.values())


@pytest.mark.parametrize(
    ("lora", "full", "tried", "best"),
    [
        (0.5, 0.5, ["frozen", "lora"], "frozen"),  # no better than before
        (0.9, 0.1, ["frozen", "lora"], "frozen"),  # worse: what comes after it is not tried
        (0.3, 0.3, ["frozen", "lora", "full"], "lora"),
        (0.3, 0.2, ["frozen", "lora", "full"], "full"),
    ],
)
def test_it_climbs_as_long_as_it_pays(tmp_path: Path, lora: float, full: float, tried: list[str], best: str) -> None:
    done: list[str] = []
    wrong = {"frozen": [0.5] * 20, "lora": [lora] * 20, "full": [full] * 20}
    ladder.climb(ladder.recipes(BASE, METHODS), fitter(wrong, done), tmp_path)
    rungs = ladder.rungs(tmp_path)
    assert done == [one.method for one in rungs] == tried
    assert [one.method for one in rungs if one.pays][-1] == best == (tmp_path / "model.safetensors").read_text()
    assert (tmp_path / "adapter" / "file").read_text() == best and not (tmp_path / "checkpoint").exists()
    assert read_json(tmp_path / "training.json") == {"recipe": best}
    assert rungs[0].sentence == "0.5000" and f"{lora:.4f} (" in rungs[1].sentence
    assert not (tmp_path / ladder.RUNGS).exists()


def test_what_chance_explains_does_not_pay(tmp_path: Path) -> None:
    wrong = {"frozen": [0.5, 0.5, 0.5, 0.5], "lora": [0.0, 0.0, 0.0, 1.9], "full": [0.0] * 4}
    ladder.climb(ladder.recipes(BASE, METHODS), fitter(wrong, []), tmp_path)
    _, lora = ladder.rungs(tmp_path)
    assert lora.gain and lora.error and 0 < lora.gain < lora.error and not lora.pays


@pytest.mark.parametrize(("gain", "chance", "pays"), [(0.3, 0.0, True), (0.1, 4.0, True), (-0.01, 4.0, False)])
def test_what_seems_to_pay_is_asked_again_on_rows_that_it_has_not_learned(
    tmp_path: Path, gain: float, chance: float, pays: bool
) -> None:
    """On 100 rows, of which one half gains `chance` more, and the other as much less."""
    wrong = {"frozen": [0.5] * 4, "lora": [0.3] * 4, "full": [0.3] * 4}
    asked: list[tuple[str, str]] = []

    def again(recipe: Recipe, folder: Path) -> tuple[Any, Any]:
        asked.append((recipe.method, (folder / "model.safetensors").read_text()))
        figures = np.full(100, 1.0)
        if recipe.method == "lora":
            figures -= gain + chance * np.tile([1, -1], 50)
        return figures, np.ones(100)

    ladder.climb(ladder.recipes(BASE, METHODS), fitter(wrong, []), tmp_path, again)
    assert asked == [("lora", "lora"), ("frozen", "frozen")], "full, which does not seem to pay, is not asked again"
    frozen, lora, *others = ladder.rungs(tmp_path)
    assert (frozen.asked, lora.asked, lora.pays, len(others)) == (0, 100, pays, int(pays))
    assert lora.asked_gain == pytest.approx(gain) and f"of 100 of people's rows {-gain:+.4f}" in lora.sentence
    assert (tmp_path / "model.safetensors").read_text() == ("lora" if pays else "frozen")


def test_where_there_are_no_such_rows_held_out_ones_decide(tmp_path: Path) -> None:
    wrong = {"frozen": [0.5] * 20, "lora": [0.3] * 20, "full": [0.3] * 20}
    ladder.climb(ladder.recipes(BASE, METHODS), fitter(wrong, []), tmp_path, lambda recipe, folder: None)
    _, lora, _ = ladder.rungs(tmp_path)
    assert lora.pays and not lora.asked and "people" not in lora.sentence


def test_cut_short_anywhere_it_goes_on_and_does_nothing_twice(tmp_path: Path) -> None:
    wrong = {"frozen": [0.5] * 9, "lora": [0.4] * 9, "full": [0.3] * 9}
    done: list[str] = []
    fit = fitter(wrong, done)

    def fall(recipe: Recipe, out: Path) -> None:
        if recipe.method == "full":
            raise InterruptedError
        fit(recipe, out)

    recipes = ladder.recipes(BASE, METHODS)
    with pytest.raises(InterruptedError):
        ladder.climb(recipes, fall, tmp_path)
    assert not (tmp_path / "training.json").exists()
    for _ in range(2):
        ladder.climb(recipes, fit, tmp_path)
        assert done == ["frozen", "lora", "full"]
    write_json(tmp_path / ladder.RUNGS / "left.json", [])  # killed while it tidied up
    with pytest.raises(InterruptedError):
        ladder.climb(recipes, fall, tmp_path)


def test_one_recipe_is_no_climb(tmp_path: Path) -> None:
    done: list[str] = []
    for _ in range(2):
        ladder.climb([BASE], fitter({"lora": [0.5]}, done), tmp_path)
    assert done == ["lora"] and ladder.rungs(tmp_path) == []


@settings(max_examples=30)
@given(rows=st.lists(st.tuples(st.floats(0, 5), st.floats(0, 5), st.floats(0.1, 1)), min_size=1, max_size=30))
def test_the_error_is_of_the_difference(rows: list[tuple[float, float, float]]) -> None:
    one, other, weights = (np.array(values) for values in zip(*rows, strict=True))
    assert ladder._error((one, weights), (one, weights)) == 0.0
    error = ladder._error((one, weights), (other, weights))
    assert error == pytest.approx(ladder._error((other, weights), (one, weights)))
    assert error <= np.ptp(one - other) + 1e-9  # no resample leaves the differences' range


def test_rows_without_weight_are_no_figure() -> None:
    assert average(np.array([0.5]), np.array([0.0])) == 0.0


def test_a_frozen_encoder_stays_as_it_came_and_its_head_is_chosen(
    encoder: Path, rows: list[Row], tmp_path: Path
) -> None:
    recipe = replace(BASE, encoder=str(encoder), frozen=True)
    classifier.train(rows[:48], rows[48:], recipe, tmp_path)
    before, after = (Encoder.load(folder, recipe.labels, 24) for folder in (encoder, tmp_path))
    inside = dict(after.model.base_model.named_parameters())
    assert all(bool((inside[name] == one).all()) for name, one in before.model.base_model.named_parameters())
    tried = read_json(tmp_path / "training.json")["epochs"]
    assert len({one["penalty"] for one in tried}) == len(tried) > 1
    said = read_json(tmp_path / HELD_OUT)
    assert average(*map(np.array, said.values())) == pytest.approx(min(one["held_out"] for one in tried), abs=1e-4)
    labels = after.predict_logits([row.text for row in rows[48:]]).argmax(1)
    assert np.mean([recipe.labels[best] == row.label for best, row in zip(labels, rows[48:], strict=True)]) >= 0.9


def test_a_lesson_without_a_head_can_t_be_frozen() -> None:
    from factory.students.causal import Answers

    with pytest.raises(FactoryError, match="no head"):
        Answers.settle(object.__new__(Answers), None)


@pytest.mark.parametrize(
    ("recipe", "method"),
    [
        ({"rank": 16}, "lora"),
        ({"rank": 0}, "full"),
        ({"rank": 16, "frozen": True}, "frozen"),
        ({"rank": 16, "frozen": False, "quantized": True}, "qlora"),
        ({"rank": 16, "quantized": False}, "lora"),
    ],
)
def test_how_a_model_was_trained_is_told_of_older_ones_too(tmp_path: Path, recipe: dict[str, Any], method: str) -> None:
    """Models from before an encoder could stay frozen do not say that it did not."""
    write_json(tmp_path / "training.json", {"recipe": recipe})
    assert method_of(tmp_path) == method
