"""Which way of training pays: from the cheapest on, each beside the best before it, on the same held-out rows.

Rows of gold have no say in it. A rung pays if what is wrong on held-out rows falls by more than one standard error of
the difference (the one-standard-error rule, Breiman et al. 1984); the first that does not ends the climb. Held-out rows
are few, and what they say is soon chance's word: a rung that seems to pay must not lose on other rows, where there are.
There any gain will do: those who are asked have learned fewer rows, and what trains more of a model gains more by rows.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from factory.files import read_json, write_json
from factory.students.lesson import Recipe, average
from factory.students.training import HELD_OUT

LADDER, RUNGS = "ladder.json", "rungs"
CLIMBER = 2
"""The version of how it is climbed."""
RESAMPLES, SEED = 2000, 13

R = TypeVar("R", bound=Recipe)
Figures = tuple[Any, Any]
"""What is wrong on each of some rows, and the rows' weights, [rows] each."""
Again = Callable[[R, Path], Figures | None]
"""Of a recipe, and the folder with what was trained by it: on rows that none of those learned who are asked about them;
the same rows for each recipe. None: there are none."""


@dataclass(frozen=True)
class Rung:
    """One way that was tried.

    Attributes:
        method: `frozen`, `lora` or `full`.
        wrong: the figure on held-out rows; the lower the better.
        gain: by how much it is below the best before; None: there was none.
        error: the standard error of that difference, by bootstrap over rows; None likewise.
        pays: whether it is the best so far.
        asked: on how many rows it was asked again, none of them learned; 0: on none.
        asked_gain, asked_error: as gain and error, on these; None: on none.
    """

    method: str
    wrong: float
    gain: float | None
    error: float | None
    pays: bool
    asked: int = 0
    asked_gain: float | None = None
    asked_error: float | None = None

    @property
    def sentence(self) -> str:
        """The same for a person."""
        if self.gain is None or self.error is None:
            return f"{self.wrong:.4f}"
        verdict = "it pays" if self.pays else "it does not pay"
        found = f"{self.wrong:.4f} ({-self.gain:+.4f}, standard error {self.error:.4f}"
        if self.asked_gain is not None and self.asked_error is not None:
            found += (
                f"; of {self.asked} of people's rows {-self.asked_gain:+.4f}, standard error {self.asked_error:.4f}"
            )
        return f"{found}): {verdict}"


def recipes(base: R, methods: Sequence[str]) -> list[R]:
    """A recipe for each method: `frozen`, `lora` (the base, whose learning rate is meant for adapters), `full`, or
    `qlora`, which students that write have.
    """
    changed: dict[str, dict[str, Any]] = {
        "frozen": {"frozen": True},
        "lora": {},
        "qlora": {"quantized": True},
        "full": {"rank": 0, "learning_rate": base.learning_rate / 10},
    }
    return [replace(base, **changed[method]) for method in methods]


def climb(
    recipes: Sequence[R], fit: Callable[[R, Path], None], out: Path, again: Again[R] = lambda recipe, folder: None
) -> None:
    """Train by one recipe after the other as long as the next pays; `out` then holds the best, and ladder.json.

    Killed and called again with the same arguments it goes on where it was. One recipe alone is followed as it is.

    Args:
        recipes: from the cheapest on, each of another method.
        fit: trains by a recipe to a folder, as training.train does.
        out: a folder; `rungs/` in it holds what has been trained, and is removed at the end.
        again: asked about a rung that seems to pay, and about the best before it.
    """
    if (out / "training.json").exists() and not (out / RUNGS).exists():
        return
    if len(recipes) == 1:
        fit(recipes[0], out)
        return
    found: list[Rung] = []
    best = recipes[0]
    for recipe in recipes:
        folder = out / RUNGS / recipe.method
        if not (folder / "training.json").exists():
            fit(recipe, folder)
        before = out / RUNGS / best.method
        rung = _rung(recipe.method, folder, before if found else None)
        if rung.gain is not None and rung.pays:
            rung = _asked(rung, again(recipe, folder), again(best, before))
        found.append(rung)
        if not rung.pays:
            break
        best = recipe
    # With its adapter's folder; without what a kill at the very end of a training leaves.
    left = shutil.ignore_patterns("checkpoint", "crew")
    shutil.copytree(out / RUNGS / best.method, out, dirs_exist_ok=True, ignore=left)
    write_json(out / LADDER, [asdict(one) for one in found])
    shutil.rmtree(out / RUNGS)


def rungs(folder: Path) -> list[Rung]:
    """What was tried for the model in a folder; none where its recipe was not `auto`."""
    return [Rung(**one) for one in read_json(folder / LADDER)] if (folder / LADDER).exists() else []


def _rung(method: str, folder: Path, before: Path | None) -> Rung:
    mine = _held_out(folder)
    wrong = average(*mine)
    if before is None:
        return Rung(method, round(wrong, 5), None, None, pays=True)
    theirs = _held_out(before)
    gain = average(*theirs) - wrong
    error = _error(mine, theirs)
    return Rung(method, round(wrong, 5), round(gain, 5), round(error, 5), pays=gain > error)


def _asked(rung: Rung, mine: Figures | None, theirs: Figures | None) -> Rung:
    """The rung, asked again beside the best before it."""
    if mine is None or theirs is None:
        return rung
    gain, error = average(*theirs) - average(*mine), _error(mine, theirs)
    return replace(rung, pays=gain > 0, asked=len(mine[0]), asked_gain=round(gain, 5), asked_error=round(error, 5))


def _held_out(folder: Path) -> Figures:
    said = read_json(folder / HELD_OUT)
    return np.array(said["wrong"]), np.array(said["weights"])


def _error(one: Figures, other: Figures) -> float:
    """The standard error of the difference of two figures over the same rows, [rows] each, by bootstrap."""
    chance = np.random.default_rng(SEED)
    counts = chance.multinomial(len(one[0]), np.full(len(one[0]), 1 / len(one[0])), size=RESAMPLES)
    figures = [(counts @ (wrong * weights)) / np.maximum(counts @ weights, 1e-12) for wrong, weights in (one, other)]
    return float(np.std(figures[0] - figures[1]))
