"""Students that give scores: an encoder with a head, whose logits are calibrated by one temperature."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from factory.evidence import calibration
from factory.progress import Progress
from factory.row import Row
from factory.stages.build import Build
from factory.stages.student import Calibrated, Student, shared
from factory.students import training
from factory.students.encoder import Encoder
from factory.students.encoder_lesson import EncoderLesson
from factory.students.export import EXPORTER, FP32, INT8, difference, export
from factory.students.training import Recipe
from zoo.manifest import WEIGHTS

Logits = Sequence[NDArray[np.float32]]
"""What a model says of each text, [n, outputs]: one line a text, or a line a piece of it."""
LARGEST_DIFFERENCE = 1e-3
"""Between torch's probabilities and the fp32 export's; more is a broken export."""


class Scoring(Student):
    """Of kinds whose model gives logits for outputs that are known beforehand.

    Attributes:
        pooled: whether its logits are averaged over a text.
        silent: the output that says nothing; None: each says something.
    """

    starts_from = "encoder"
    methods = ("frozen", "lora", "full")
    exporter = EXPORTER
    # A tenth of the answers is more than an opponent is usually beaten by. Sound exports share 95 % and more of their
    # answers with torch, one whose products saturate 20 %.
    floor = 0.9
    alike = "same_label"
    lesson: ClassVar[type[EncoderLesson]]
    pooled: ClassVar[bool]
    silent: ClassVar[int | None] = None

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

    def recipe(self, build: Build) -> Recipe:
        """See Student.recipe."""
        return Recipe(**shared(build))

    def fit(self, rows: Sequence[Row], held: Sequence[Row], recipe: Recipe, out: Path, progress: Progress) -> None:
        """See Student.fit."""
        training.train(self.lesson, rows, held, recipe, out, progress)

    def export(self, out: Path, recipe: Recipe) -> None:
        """See Student.export."""
        export(out, self.lesson.outputs(recipe.labels), recipe.max_tokens, out, pooled=self.pooled)

    def calibrate(self, out: Path, held: Sequence[Row], recipe: Recipe, risk: float) -> Calibrated:
        """Temperature and threshold by held-out rows, and every export compared with torch on them."""
        texts = [row.text for row in held]
        reference = np.concatenate(self.logits(out, recipe, texts))
        exports = {name: self.logits(out, recipe, texts, out / name) for name in (FP32, INT8)}
        parity = {name: difference(reference, np.concatenate(says), self.silent) for name, says in exports.items()}
        sound = parity[FP32]["largest_probability_difference"] <= LARGEST_DIFFERENCE
        weights = self.published(parity, sound, out)
        logits = exports[WEIGHTS[weights]]
        scale = calibration.temperature(np.concatenate(logits), self.targets(out, recipe, held))
        people = [number for number, row in enumerate(held) if row.origin == "reviewed"]
        bound = None
        if people:
            said = [logits[number] for number in people]
            sure, right = self.certainty(out, recipe, [held[number] for number in people], said, scale)
            bound = calibration.threshold(sure, right, risk) if len(sure) else None
        return Calibrated(scale, bound, parity, weights)


def session(file: Path) -> Any:
    """An ONNX export, on one thread."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])


def encoder_of(student: Scoring, folder: Path, recipe: Recipe, device: str | None = None) -> Encoder:
    """The model in a folder, with the student's outputs; what feeds an export is on the device `cpu`."""
    return Encoder.load(folder, student.lesson.outputs(recipe.labels), recipe.max_tokens, device)
