"""A student that gives a text one label (factory.stages.student)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from factory.evidence import calibration
from factory.generate import judge as judging
from factory.row import Row
from factory.spec import Spec
from factory.stages.build import Build
from factory.stages.scoring import Logits, Scoring, encoder_of, session
from factory.stages.student import Certainty, Said, shared
from factory.students.baselines import Majority, Tfidf
from factory.students.classifier import ContrastRecipe, Labels, targets
from factory.students.lesson import Recipe
from factory.students.static import Static
from factory.teacher.chat import Request


class Classifying(Scoring):
    """Of kind `classification`."""

    lesson = Labels
    pooled = True
    committee = True
    metrics = ("accuracy", "macro_f1")
    bounds = "constrained to the labels"

    def recipe(self, build: Build) -> ContrastRecipe:
        """See Student.recipe."""
        return ContrastRecipe(**shared(build))

    def logits(self, folder: Path, recipe: Recipe, texts: Sequence[str], export: Path | None = None) -> Logits:
        """See Scoring.logits; a line a text."""
        if export is None:
            return list(encoder_of(self, folder, recipe).predict_logits(texts)[:, None])
        encoder, run, found = encoder_of(self, folder, recipe, "cpu"), session(export), []
        for text in texts:
            batch = {name: value.numpy() for name, value in encoder.tokens([text]).items()}
            found.append(run.run(["logits"], batch)[0])
        return found

    def targets(self, folder: Path, recipe: Recipe, rows: Sequence[Row]) -> NDArray[np.float32]:
        """See Scoring.targets."""
        return targets(rows, recipe.labels)

    def decided(
        self, folder: Path, recipe: Recipe, rows: Sequence[Row], logits: Logits, temperature: float
    ) -> Certainty:
        """Of each text's label."""
        p = calibration.probabilities(np.concatenate(logits), temperature)
        labels = [recipe.labels[int(best)] for best in p.argmax(1)]
        return Certainty(p.max(axis=1), [said == row.label for said, row in zip(labels, rows, strict=True)], labels)

    def question(self, spec: Spec, text: str, policy: bool) -> Request:
        """See Student.question."""
        return judging.question(spec, text, policy)

    def read(self, spec: Spec, text: str, reply: str) -> str | None:
        """See Student.read; a label."""
        return reply.strip() if reply.strip() in spec.labels else None

    def reply(self, spec: Spec, row: Row) -> str:
        """See Student.reply; the label."""
        return row.label

    def answers(self, specialist: Any, texts: list[str]) -> Said:
        """See Student.answers; scores are every label's probability."""
        return Said(*_decided(specialist.predict_proba(texts), specialist.labels), "")

    def opponents(self, build: Build, rows: Sequence[Row], texts: Sequence[str]) -> Mapping[str, Said]:
        """The most frequent label, TF-IDF, and static vectors."""
        labels = build.labels
        tfidf = _decided(Tfidf(rows).predict_proba(texts, labels), labels)
        static = _decided(Static(rows, labels, build.encoder).predict_proba(texts), labels)
        return {
            "majority": Said(Majority(rows, labels).predict(texts), None, "most frequent label"),
            "tfidf": Said(*tfidf, "TF-IDF + logistic regression, same rows"),
            "static": Said(*static, f"word pieces by {build.encoder_identity} + logistic regression, same rows"),
        }

    def alone(self, folder: Path, recipe: Recipe, texts: Sequence[str]) -> tuple[Sequence[str], Sequence[Any]]:
        """See Student.alone."""
        logits = np.concatenate(self.logits(folder, recipe, texts))
        return _decided(calibration.probabilities(logits), recipe.labels)


def _decided(probabilities: Any, labels: Sequence[str]) -> tuple[list[str], list[dict[str, float]]]:
    predicted = [labels[int(best)] for best in probabilities.argmax(axis=1)]
    return predicted, [dict(zip(labels, map(float, row), strict=True)) for row in probabilities]
