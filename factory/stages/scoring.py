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
from factory.stages.student import Certainty, Parity, Student, shared
from factory.students import training
from factory.students.encoder import Encoder
from factory.students.encoder_lesson import EncoderLesson
from factory.students.export import EXPORTER, FP32, INT8, difference, export
from factory.students.lesson import Recipe
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
    def decided(
        self, folder: Path, recipe: Recipe, rows: Sequence[Row], logits: Logits, temperature: float
    ) -> Certainty:
        """See Student.certainty."""

    def recipe(self, build: Build) -> Recipe:
        """See Student.recipe."""
        return Recipe(**shared(build))

    def fit(self, rows: Sequence[Row], held: Sequence[Row], recipe: Recipe, out: Path, progress: Progress) -> None:
        """See Student.fit."""
        training.train(self.lesson, rows, held, recipe, out, progress)

    def export(self, out: Path, recipe: Recipe) -> None:
        """See Student.export."""
        export(out, self.lesson.outputs(recipe.labels), recipe.max_tokens, out, pooled=self.pooled)

    def compare(self, out: Path, held: Sequence[Row], recipe: Recipe) -> Parity:
        """See Student.compare."""
        texts = [row.text for row in held]
        reference = np.concatenate(self.logits(out, recipe, texts))
        exports = {name: np.concatenate(self.logits(out, recipe, texts, out / name)) for name in (FP32, INT8)}
        return {name: difference(reference, says, self.silent) for name, says in exports.items()}

    def sound(self, parity: Parity) -> bool:
        """See Student.sound."""
        return parity[FP32]["largest_probability_difference"] <= LARGEST_DIFFERENCE

    def says(self, folder: Path, recipe: Recipe, rows: Sequence[Row], weights: str) -> Sequence[Any]:
        """See Student.says; logits [lines, outputs]."""
        texts = [row.text for row in rows]
        return [one.tolist() for one in self.logits(folder, recipe, texts, folder / WEIGHTS[weights])]

    def temperature(self, folder: Path, recipe: Recipe, rows: Sequence[Row], said: Sequence[Any]) -> float:
        """See Student.temperature."""
        return calibration.temperature(np.concatenate(_arrays(said)), self.targets(folder, recipe, rows))

    def certainty(
        self, folder: Path, recipe: Recipe, rows: Sequence[Row], said: Sequence[Any], temperature: float
    ) -> Certainty:
        """See Student.certainty."""
        return self.decided(folder, recipe, rows, _arrays(said), temperature)

    def wrong(self, folder: Path, recipe: Recipe, rows: Sequence[Row], said: Sequence[Any]) -> Sequence[float]:
        """See Student.wrong; the mean cross-entropy of a row's lines, at the temperature that is best for them."""
        logits, wanted = _arrays(said), self.targets(folder, recipe, rows)
        scaled = calibration.probabilities(np.concatenate(logits), self.temperature(folder, recipe, rows, said))
        each = -(wanted * np.log(np.maximum(scaled, 1e-12))).sum(axis=1)
        ends = np.cumsum([len(one) for one in logits])
        return [float(some.mean()) for some in np.split(each, ends[:-1])]


def _arrays(said: Sequence[Any]) -> Logits:
    return [np.asarray(one, np.float32) for one in said]


def session(file: Path) -> Any:
    """An ONNX export, on one thread."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])


def encoder_of(student: Scoring, folder: Path, recipe: Recipe, device: str | None = None) -> Encoder:
    """The model in a folder, with the student's outputs; what feeds an export is on the device `cpu`."""
    return Encoder.load(folder, student.lesson.outputs(recipe.labels), recipe.max_tokens, device)
