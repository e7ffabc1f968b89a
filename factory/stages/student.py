"""What differs by kind of task where a student is trained and measured: what model.py and measure.py ask for."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from factory.evidence.intervals import Metric
from factory.evidence.records import Decision
from factory.progress import Progress
from factory.row import Row
from factory.spec import Spec
from factory.stages.build import Build
from factory.students.encoder import Encoder
from factory.students.training import Lesson, Recipe
from factory.teacher.chat import Request

Logits = Sequence[NDArray[np.float32]]
"""What a model says of each text, [n, outputs]: one line a text, or a line a piece of it."""


class Said(NamedTuple):
    """Somebody's answers to texts: decisions, a score or scores for each (None: it gives none), and what that is."""

    decisions: Sequence[Decision | None]
    scores: Sequence[Any] | None
    what: str


class Student(ABC):
    """One kind's.

    Attributes:
        lesson: what it learns.
        pooled: whether its logits are averaged over a text.
        silent: the output that says nothing; None: each says something.
        metrics: what it is compared by; the first is the figure that is told first.
        bounds: what a teacher's zero-shot answers are held to, for people.
    """

    lesson: ClassVar[type[Lesson]]
    pooled: ClassVar[bool]
    silent: ClassVar[int | None] = None
    metrics: ClassVar[tuple[Metric, ...]]
    bounds: ClassVar[str]

    @abstractmethod
    def logits(self, folder: Path, recipe: Recipe, texts: Sequence[str], export: Path | None = None) -> Logits:
        """What the model in a folder says, by torch; or its ONNX export, one text at a time as the zoo runs int8."""

    @abstractmethod
    def targets(self, folder: Path, recipe: Recipe, rows: Sequence[Row]) -> NDArray[np.float32]:
        """What the lines of these rows' logits should say: distributions [n, outputs]."""

    @abstractmethod
    def certainty(
        self, folder: Path, recipe: Recipe, rows: Sequence[Row], logits: Logits, temperature: float
    ) -> tuple[Any, Any]:
        """Confidences of what is answered, and whether each is right, [n] both."""

    @abstractmethod
    def question(self, spec: Spec, text: str, policy: bool) -> Request:
        """What a teacher is asked zero-shot: by the labels' names alone, or with the policy."""

    @abstractmethod
    def ask(self, build: Build, texts: Sequence[str], meter: Progress, *, policy: bool) -> Sequence[Decision | None]:
        """The teacher's zero-shot answers."""

    @abstractmethod
    def answers(self, specialist: Any, texts: list[str]) -> Said:
        """A packaged student's, as an application gets them."""

    @abstractmethod
    def opponents(self, rows: Sequence[Row], labels: Sequence[str], texts: Sequence[str]) -> Mapping[str, Said]:
        """The baselines', by name, made from the rows that the student was trained on."""

    @abstractmethod
    def alone(self, folder: Path, recipe: Recipe, texts: Sequence[str]) -> tuple[Sequence[Decision], Sequence[Any]]:
        """Decisions and scores of a student in a folder, by torch, without calibration."""


def session(file: Path) -> Any:
    """An ONNX export, on one thread."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])


def encoder_of(student: Student, folder: Path, recipe: Recipe, device: str | None = None) -> Encoder:
    """The model in a folder, with the student's outputs; what feeds an export is on the device `cpu`."""
    return Encoder.load(folder, student.lesson.outputs(recipe.labels), recipe.max_tokens, device)
