"""Students that write: a small language model whose words are the answer, or the record."""

from __future__ import annotations

import shutil
from abc import abstractmethod
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, ClassVar

from factory.evidence.decision import Decision
from factory.processes import cores
from factory.progress import Progress
from factory.row import Kind, Row
from factory.spec import Spec
from factory.stages.build import Build
from factory.stages.student import Certainty, Parity, Said, Student, shared
from factory.students import causal
from factory.students.by_torch import opened
from factory.students.causal import WritingRecipe
from factory.students.encoder import threads
from factory.students.export import FP32, INT8
from factory.students.export_causal import EXPORTER, export
from zoo.manifest import WEIGHTS

LEAST_ALIKE = 0.9
"""The share of answers that must be the same from torch and from the fp32 export. Two tokens that are all but equally
likely can change places by rounding, so not all have to be; a broken export says something else to every text."""


class Writing(Student):
    """Of kinds whose model writes.

    Attributes:
        kind: the kind.
    """

    kind: ClassVar[Kind]
    starts_from = "language model"
    methods = ("lora", "full")
    lesson: ClassVar[type[causal.Answers]] = causal.Answers
    calls = 20
    batches = (1,)  # it answers one by one
    measured = 200
    perturbed = 40
    exporter = EXPORTER
    # Two tokens all but equally likely change places by rounding, and the rest of the answer follows: as good, and not
    # the same. How good int8's answers are the gate finds on gold; a broken export gives next to none of torch's.
    floor = 0.5
    compared = 40  # a language model on a processor takes its time
    folds = 0  # and all the more to be trained
    alike = "same_answer"

    @abstractmethod
    def task(self, spec: Spec) -> dict[str, Any]:
        """What its recipe has beside what all have: `instruction`, `max_new_tokens` and, of records, `fields`."""

    @abstractmethod
    def decision(self, answer: Any) -> Decision:
        """What an answer of the zoo's says."""

    @abstractmethod
    def right(self, row: Row, said: Decision | None) -> bool:
        """Whether an answer is as people's, as far as a machine can tell."""

    def recipe(self, build: Build) -> WritingRecipe:
        """See Student.recipe."""
        distil = build.spec.student.distil
        learned: dict[str, Any] = {}
        if distil:
            learned = {"mentor": build.mentor_source, "distil": distil.share, "softness": distil.temperature}
        return WritingRecipe(**shared(build), **self.task(build.spec), **learned)

    def fit(
        self, rows: Sequence[Row], held: Sequence[Row], recipe: WritingRecipe, out: Path, progress: Progress
    ) -> None:
        """See Student.fit; also prompt.json."""
        causal.train(self.lesson, rows, held, recipe, out, progress)

    def export(self, out: Path, recipe: WritingRecipe) -> None:
        """See Student.export; the exports keep what they have read."""
        export(out, out)

    def compare(self, out: Path, held: Sequence[Row], recipe: WritingRecipe) -> Parity:
        """See Student.compare; answer by answer."""
        some = [row.text for row in held[: self.compared]]
        by_torch, _ = self.alone(out, recipe, some)
        parity = {}
        for name in (FP32, INT8):
            said = self.answers(self._opened(out, recipe, name), some).decisions
            same = [one == other for one, other in zip(said, by_torch, strict=True)]
            parity[name] = {self.alike: round(sum(same) / len(same), 4), "rows": len(same)}
        return parity

    def sound(self, parity: Parity) -> bool:
        """See Student.sound."""
        return parity[FP32][self.alike] >= LEAST_ALIKE

    def says(self, folder: Path, recipe: WritingRecipe, rows: Sequence[Row], weights: str) -> Sequence[Any]:
        """See Student.says; a score, and whether the answer is right."""
        given = self.answers(self._opened(folder, recipe, WEIGHTS[weights]), [row.text for row in rows])
        right = [self.right(row, one) for row, one in zip(rows, given.decisions, strict=True)]
        return [(score, one) for (score,), one in zip(given.scores or (), right, strict=True)]

    def temperature(self, folder: Path, recipe: WritingRecipe, rows: Sequence[Row], said: Sequence[Any]) -> float:
        """1: what a token's probability is worth says little of what an answer is worth."""
        return 1.0

    def certainty(
        self, folder: Path, recipe: WritingRecipe, rows: Sequence[Row], said: Sequence[Any], temperature: float
    ) -> Certainty:
        """See Student.certainty."""
        return Certainty([score for score, _ in said], [right for _, right in said], [""] * len(said))

    def answers(self, specialist: Any, texts: list[str]) -> Said:
        """See Student.answers; one score an answer, 0 where it broke off, since the zoo calls that unsure.

        As many texts at once as there may be threads.
        """
        with ThreadPoolExecutor(threads(cores())) as pool:
            found = list(pool.map(specialist.predict, texts))
        return Said([self.decision(one) for one in found], [_score(one) for one in found], "")

    def alone(
        self, folder: Path, recipe: WritingRecipe, texts: Sequence[str]
    ) -> tuple[Sequence[Decision], Sequence[Any]]:
        """See Student.alone."""
        found = self._opened(folder, recipe).predict(list(texts))  # torch uses all threads by itself
        return [self.decision(one) for one in found], [_score(one) for one in found]

    def rival(self, folder: Path, recipe: WritingRecipe, texts: Sequence[str], weights: str, scratch: Path) -> Said:
        """See Student.rival; by an export like the published one's: torch takes several times as long for a text."""
        shutil.copytree(folder, scratch)
        self.export(scratch, recipe)
        said = self.answers(self._opened(scratch, recipe, WEIGHTS[weights]), list(texts))
        return said._replace(what=f"ONNX {weights}")

    def _opened(self, folder: Path, recipe: WritingRecipe, export: str = "") -> Any:
        return opened(folder, self.kind, recipe.labels, recipe.max_tokens, export)


def _score(answer: Any) -> tuple[float]:
    return (answer.score if answer.complete else 0.0,)
