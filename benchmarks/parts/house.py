"""The house's own contestants in benchmarks/opponents.py: what a build trains, and what it measures it against."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.parts.contest import Contestant, Task, serve
from factory import settings
from factory import spec as specs
from factory.dataset.split import split
from factory.row import Row
from factory.stages import Build
from factory.stages.model import WAYS, method_of, recipe_of, recipes_of, student_of
from factory.stages.scoring import Scoring, encoder_of
from factory.students import ladder
from factory.students.baselines import Majority, Tfidf
from factory.students.encoder import Encoder
from factory.students.lesson import Recipe
from factory.students.static import Static


class Student(Contestant):
    """The spec's student, by its recipe: a part of the rows is held out, as in a build, to choose the epoch by."""

    def __init__(self, task: Task) -> None:
        import peft  # noqa: F401  # imports are not timed
        import transformers  # noqa: F401

        where = settings.load()
        self._build = Build(specs.load(task["spec"], where.prompts), task["budget"], where)
        self._rows, self._seed = _rows(task), task["seed"]
        student = student_of(self._build)
        if not isinstance(student, Scoring):
            raise TypeError(f"{task['spec']} has no student that gives labels")
        self._student = student

    def recipes(self) -> list[Recipe]:
        """What is tried, the next where it pays."""
        return recipes_of(self._build)

    def fit(self) -> None:
        """See Contestant.fit; the exports are no part of it."""
        placed, recipes = split(self._rows), [replace(one, seed=self._seed) for one in self.recipes()]
        learned, held = ([row for row in self._rows if placed[row.id] == part] for part in ("train", "held_out"))
        with tempfile.TemporaryDirectory() as folder:
            ladder.climb(recipes, lambda recipe, out: self._learn(learned, held, recipe, out), Path(folder))
            self._encoder = encoder_of(self._student, Path(folder), recipes[0])
            self.what = f"{self._build.base_identity.partition('@')[0]}, {WAYS[method_of(Path(folder))]}"
        self._labels = recipes[0].labels

    def predict(self, texts: Sequence[str]) -> list[str]:
        """See Contestant.predict; by torch."""
        return [self._labels[int(best)] for best in self._encoder.predict_logits(texts).argmax(axis=1)]

    def _learn(self, learned: Sequence[Row], held: Sequence[Row], recipe: Recipe, out: Path) -> None:
        self._student.fit(learned, held, recipe, out, self._build.meter("train", "steps"))


class Frozen(Student):
    """The lowest rung of its ladder: the encoder as it came, and a head."""

    def recipes(self) -> list[Recipe]:
        """See Student.recipes."""
        return ladder.recipes(recipe_of(self._build), ["frozen"])


class Words(Contestant):
    """TF-IDF with logistic regression."""

    what = "TF-IDF + logistic regression"

    def __init__(self, task: Task) -> None:
        import sklearn.feature_extraction.text
        import sklearn.linear_model  # noqa: F401

        self._rows = _rows(task)

    def fit(self) -> None:
        """See Contestant.fit."""
        self._model: Any = Tfidf(self._rows)

    def predict(self, texts: Sequence[str]) -> list[str]:
        """See Contestant.predict."""
        return list(self._model.predict(texts))


class Pieces(Contestant):
    """Static vectors of word pieces, which the encoder reads for these rows, with logistic regression."""

    what = "static vectors of word pieces + logistic regression"

    def __init__(self, task: Task) -> None:
        import transformers  # noqa: F401

        self._rows, self._task = _rows(task), task

    def fit(self) -> None:
        """See Contestant.fit."""
        labels = self._task["labels"]
        encoder = Encoder.load(self._task["encoder"], labels, self._task["max_tokens"])
        self._model = Static(self._rows, labels, encoder)

    def predict(self, texts: Sequence[str]) -> list[str]:
        """See Contestant.predict."""
        return [self._task["labels"][int(best)] for best in self._model.predict_proba(texts).argmax(axis=1)]


class MostFrequent(Words):
    """The most frequent label."""

    what = "most frequent label"

    def __init__(self, task: Task) -> None:
        super().__init__(task)
        self._labels = task["labels"]

    def fit(self) -> None:
        """See Contestant.fit."""
        self._model = Majority(self._rows, self._labels)


def _rows(task: Task) -> list[Row]:
    return [Row.from_json(row) for row in task["rows"]]


HOUSE: dict[str, type[Contestant]] = {
    "student": Student,
    "student, frozen": Frozen,
    "tfidf": Words,
    "static": Pieces,
    "majority": MostFrequent,
}

if __name__ == "__main__":
    serve(HOUSE)
