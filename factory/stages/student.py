"""What a kind of task's student is to the stages: what model.py, measure.py and publish.py ask for.

Three families: one label a text (classifying.py) and a tag a word piece (tagging.py), both by an encoder with a head
(scoring.py); and words or records by a language model that writes (writing.py).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

from factory.errors import FactoryError
from factory.evidence.decision import Decision
from factory.evidence.intervals import Metric
from factory.progress import Progress
from factory.row import Row
from factory.spec import Spec
from factory.stages.build import Build
from factory.students.export import FP32, INT8
from factory.students.lesson import Lesson, Recipe
from factory.teacher.chat import Request

Parity = Mapping[str, Mapping[str, float]]
"""Exports by their path, and how far each answers as torch does, by a student's own measures."""


class Said(NamedTuple):
    """Somebody's answers to texts: decisions, a score or scores for each (None: it gives none), and what that is."""

    decisions: Sequence[Decision | None]
    scores: Sequence[Any] | None
    what: str


class Certainty(NamedTuple):
    """Answers as far as a threshold is chosen by them: each of length n.

    Attributes:
        confidence: of each.
        right: whether it is.
        labels: what it says; empty where answers are no labels.
        texts: which of the texts it answers; None: each its own.
    """

    confidence: Any
    right: Any
    labels: Sequence[str]
    texts: Sequence[int] | None = None


class Student(ABC):
    """One kind's.

    Attributes:
        starts_from: what it is before it is trained, for lineage: `encoder`, `language model`.
        lesson: what it learns.
        methods: the ways there are to train it, from the cheapest on (factory.students.ladder).
        metrics: what it is compared by; the first is the figure that is told first.
        bounds: what a teacher's zero-shot answers are held to, for people.
        named: what a teacher is told where it is asked without the policy.
        calls, batches: how many calls its speed is taken of, and of how many texts each.
        measured: gold rows, a sample, that its fp32 export is measured on where int8 is published, and the student of
            people's rows alone; 0: all.
        perturbed: of how many gold rows the texts are perturbed (factory.evidence.robustness).
        exporter: the version of the code that exports it.
        floor: the share of its answers to held-out rows that int8 must give as torch does, or fp32 is published in its
            place.
        compared: how many held-out rows that is taken of, the first; None: all.
        alike: what that share is called in Parity.
        folds: in how many parts it is trained anew without one of them, for people's rows that it has learned
            (factory.stages.cross_fit), unless a spec says otherwise; 0: those held out must do.
        committee: whether a committee that has learned people's rows labels the others (factory.stages.ballot).
        several: whether a text may have several answers.
    """

    starts_from: ClassVar[str]
    lesson: ClassVar[type[Lesson]]
    methods: ClassVar[tuple[str, ...]]
    metrics: ClassVar[tuple[Metric, ...]]
    bounds: ClassVar[str]
    named: ClassVar[str] = "the labels' names"
    calls: ClassVar[int] = 100
    batches: ClassVar[tuple[int, ...]] = (1, 32)
    measured: ClassVar[int] = 0
    perturbed: ClassVar[int] = 200
    exporter: ClassVar[int]
    floor: ClassVar[float]
    compared: ClassVar[int | None] = None
    alike: ClassVar[str]
    folds: ClassVar[int] = 3
    committee: ClassVar[bool] = False
    several: ClassVar[bool] = False

    @abstractmethod
    def recipe(self, build: Build) -> Recipe:
        """How it is trained within the build's budget."""

    @abstractmethod
    def fit(self, rows: Sequence[Row], held: Sequence[Row], recipe: Any, out: Path, progress: Progress) -> None:
        """Train it: safetensors, tokenizer and training.json in `out`."""

    @abstractmethod
    def export(self, out: Path, recipe: Any) -> None:
        """Add the ONNX exports to a folder that `fit` wrote."""

    @abstractmethod
    def compare(self, out: Path, held: Sequence[Row], recipe: Any) -> Parity:
        """How far the exports in a folder answer held-out rows as torch does."""

    @abstractmethod
    def sound(self, parity: Parity) -> bool:
        """Whether the fp32 export does."""

    @abstractmethod
    def says(self, folder: Path, recipe: Any, rows: Sequence[Row], weights: str) -> Sequence[Any]:
        """What an export in a folder says of rows, one a row; JSON can keep it."""

    @abstractmethod
    def temperature(self, folder: Path, recipe: Any, rows: Sequence[Row], said: Sequence[Any]) -> float:
        """What turns what `says` said into confidences that fit rows that were not learned."""

    @abstractmethod
    def certainty(
        self, folder: Path, recipe: Any, rows: Sequence[Row], said: Sequence[Any], temperature: float
    ) -> Certainty:
        """How sure it is of what it answers to these rows, or of each span found in them."""

    def wrong(self, folder: Path, recipe: Any, rows: Sequence[Row], said: Sequence[Any]) -> Sequence[float]:
        """How far what `says` said is from what people say, one a row; the lower the better.

        Args:
            folder: a model trained by the recipe, not necessarily the one that said it.
            recipe, rows: as of `says`.
            said: what `says` said of them.
        """
        known = self.certainty(folder, recipe, rows, said, 1.0)
        return [float(not right) for right in known.right]

    def published(self, parity: Parity, out: Path) -> str:
        """The weights to publish of the exports in a folder: `int8`, or `fp32` where int8 is below the floor.

        Args:
            parity: how far they answer as torch does.
            out: the folder.

        Raises:
            FactoryError: not even fp32 does.
        """
        if not self.sound(parity):
            raise FactoryError(
                f"The ONNX export answers differently from torch: {parity[FP32]}.", where=str(out / FP32),
                fix="Try another version of torch or onnx; nothing was published.",
            )  # fmt: skip
        return "int8" if self.agreement(parity) >= self.floor else "fp32"

    def agreement(self, parity: Parity) -> float:
        """The share of its answers that int8 gives as torch does, 0 to 1."""
        return parity[INT8][self.alike]

    @abstractmethod
    def answers(self, specialist: Any, texts: list[str]) -> Said:
        """A packaged student's, as an application gets them."""

    @abstractmethod
    def alone(self, folder: Path, recipe: Any, texts: Sequence[str]) -> tuple[Sequence[Decision], Sequence[Any]]:
        """Decisions and scores of a student in a folder, by torch, without calibration."""

    def rival(self, folder: Path, recipe: Any, texts: Sequence[str], weights: str, scratch: Path) -> Said:
        """What a student in a folder says, without calibration, for the published one to be held against it.

        Args:
            folder: what `fit` left.
            recipe: by which it was trained.
            texts: what it is asked.
            weights: the published one's, `fp32` or `int8`.
            scratch: a folder that is not there, for files; who calls removes it.
        """
        return Said(*self.alone(folder, recipe, texts), "by torch")

    @abstractmethod
    def opponents(self, build: Build, rows: Sequence[Row], texts: Sequence[str]) -> Mapping[str, Said]:
        """The baselines', by name, made from the rows that the student was trained on."""

    @property
    def prompts(self) -> Mapping[bool, str]:
        """The two prompts that a teacher is asked zero-shot by, for people: without the policy (False), and with it."""
        return {False: self.named, True: "the policy"}

    @abstractmethod
    def question(self, spec: Spec, text: str, policy: bool) -> Request:
        """What a teacher is asked zero-shot: by the labels' names alone, or with the policy."""

    @abstractmethod
    def read(self, spec: Spec, text: str, reply: str) -> Decision | None:
        """What a teacher's reply about a text says; None: nothing usable."""

    @abstractmethod
    def reply(self, spec: Spec, row: Row) -> str:
        """The reply that `read` takes for a row's decision."""


def shared(build: Build) -> dict[str, Any]:
    """What the recipes of all students have, within the build's budget."""
    student = build.spec.student
    return {
        "encoder": build.base_source,
        "labels": tuple(build.labels),
        "max_tokens": student.max_tokens,
        "rank": student.lora_rank,
        "learning_rate": student.learning_rate,
        "epochs": build.budget.epochs,
        "layers": student.layers or 0,
    }
