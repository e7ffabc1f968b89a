"""A student that marks spans (factory.stages.student)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from factory.evidence import spans as figures
from factory.generate import marking
from factory.row import Row
from factory.span import Spans, plain
from factory.spec import Spec
from factory.stages.build import Build
from factory.stages.scoring import Logits, Scoring, encoder_of, session
from factory.stages.student import Certainty, Said
from factory.students import tagger
from factory.students.lesson import Recipe
from factory.students.span_baselines import Lexicon, WordFeatures
from factory.teacher.chat import Request


class Tagging(Scoring):
    """Of kind `spans`."""

    lesson = tagger.Tags
    pooled = False
    silent = 0  # zoo.decoding.tags begins with O
    metrics = ("span_f1", "relaxed_f1")
    bounds = "words and types by a JSON schema"
    several = True

    def logits(self, folder: Path, recipe: Recipe, texts: Sequence[str], export: Path | None = None) -> Logits:
        """See Scoring.logits; a line a piece."""
        if export is None:
            return self._reader(folder, recipe).logits(texts)
        run = session(export)

        def answer(batch: Mapping[str, Any]) -> Any:
            return run.run(["logits"], {name: value.numpy() for name, value in batch.items()})[0]

        return self._reader(folder, recipe, "cpu").read(texts, answer, batch_size=1)

    def targets(self, folder: Path, recipe: Recipe, rows: Sequence[Row]) -> NDArray[np.float32]:
        """See Scoring.targets."""
        reader = self._reader(folder, recipe)
        tags = [tagger.tags_of(reader.cut(row.text).places, row.spans or (), recipe.labels) for row in rows]
        return np.eye(len(self.lesson.outputs(recipe.labels)), dtype=np.float32)[np.concatenate(tags)]

    def decided(
        self, folder: Path, recipe: Recipe, rows: Sequence[Row], logits: Logits, temperature: float
    ) -> Certainty:
        """Of each span found."""
        texts = [row.text for row in rows]
        spans, scores = self._found(folder, recipe, texts, logits, temperature)
        right = figures.rights([row.spans or () for row in rows], spans)
        labels = [span.label for some in spans for span in some]
        asked = [place for place, some in enumerate(spans) for _ in some]
        return Certainty([score for some in scores for score in some], right, labels, asked)

    def question(self, spec: Spec, text: str, policy: bool) -> Request:
        """See Student.question."""
        return marking.question(spec, text, policy)

    def read(self, spec: Spec, text: str, reply: str) -> Spans | None:
        """See Student.read."""
        return marking.read(spec, text, reply).decision

    def reply(self, spec: Spec, row: Row) -> str:
        """See Student.reply; the spans' words and types."""
        return marking.reply(row.text, row.spans or ())

    def answers(self, specialist: Any, texts: list[str]) -> Said:
        """See Student.answers; scores are of the spans found."""
        found = specialist.predict(texts)
        return Said([plain(some) for some in found], [[one.score for one in some] for some in found], "")

    def opponents(self, build: Build, rows: Sequence[Row], texts: Sequence[str]) -> Mapping[str, Said]:
        """A list of words, and features of words."""
        what = "logistic regression on words, shapes, ends and neighbours, same rows"
        return {
            "lexicon": Said(Lexicon(rows).predict(texts), None, "words marked in the same rows, longest first"),
            "features": Said(*WordFeatures(rows, build.labels).predict(texts), what),
        }

    def alone(self, folder: Path, recipe: Recipe, texts: Sequence[str]) -> tuple[Sequence[Spans], Sequence[Any]]:
        """See Student.alone."""
        return self._found(folder, recipe, texts, self.logits(folder, recipe, texts), 1.0)

    def _reader(self, folder: Path, recipe: Recipe, device: str | None = None) -> tagger.Tagger:
        return tagger.Tagger(encoder_of(self, folder, recipe, device))

    def _found(
        self, folder: Path, recipe: Recipe, texts: Sequence[str], logits: Logits, temperature: float
    ) -> tuple[list[Spans], list[list[float]]]:
        cuts = map(self._reader(folder, recipe).cut, texts)
        found = tagger.find(texts, cuts, logits, recipe.labels, temperature)
        return [plain(some) for some in found], [[one.score for one in some] for some in found]
