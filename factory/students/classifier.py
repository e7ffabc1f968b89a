"""A student that gives a text one label; it learns from distributions over labels.

Soft labels: the loss is the cross-entropy against the row's distribution, weighted by the row's weight (Hinton et al.
2015, temperature 1). Beside it, in the recipe's share, stands supervised contrastive learning (Khosla et al. 2020; with
cross-entropy, Gunel et al. 2021): of the texts of a batch those of one label are drawn together; those with soft
labels, by the chance that their labels are the same.

The head that is trained beside the encoder has seen its rows too often to be the best one at the end, so heads fitted
to the trained encoder's vectors are tried as well (Labels.close).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from factory.evidence import calibration
from factory.progress import Progress, silent
from factory.row import Row
from factory.students import training
from factory.students.encoder import Encoder, half, to_numpy
from factory.students.encoder_lesson import EncoderLesson
from factory.students.lesson import TRAINER, Recipe
from factory.students.probe import Array

SHARPNESS = 0.1
"""What cosines are divided by before the contrastive loss's softmax; Khosla et al. use 0.1, too."""


@dataclass(frozen=True)
class ContrastRecipe(Recipe):
    """How to train a classifier.

    Attributes:
        contrast: the contrastive loss's share of the whole, 0 to 1.
    """

    contrast: float = 0.5


class Labels(EncoderLesson):
    """A label a text, from the logits' mean over tokens.

    The held-out loss is taken at the temperature that is best for it, as calibration puts sureness right in any case:
    else an epoch that knows more, but is too sure of it, would seem the worse one.
    """

    within = 1.0
    trainer = TRAINER + 3  # a later epoch is kept that is hardly worse

    def __init__(self, rows: Sequence[Row], held_out: Sequence[Row], recipe: ContrastRecipe, encoder: Encoder) -> None:
        import torch

        self.texts = [row.text for row in rows]
        self.lengths = [len(text) for text in self.texts]
        self.held_texts = [row.text for row in held_out]
        self.targets = torch.tensor(targets(rows, recipe.labels), device=encoder.device)
        self.weights = torch.tensor([row.weight for row in rows], device=encoder.device)
        self.held_targets = targets(held_out, recipe.labels)
        self.held_weights = np.array([row.weight for row in held_out])
        self.contrast, self.penalty = recipe.contrast, recipe.penalty

    @staticmethod
    def outputs(labels: Sequence[str]) -> tuple[str, ...]:
        """The labels."""
        return tuple(labels)

    def seen(self, encoder: Encoder, progress: Progress = silent) -> tuple[Array, Array, Array]:
        """See EncoderLesson.seen; the texts' vectors."""
        return encoder.vectors(self.texts, progress), to_numpy(self.targets), to_numpy(self.weights)

    def losses(self, encoder: Encoder, batch: Sequence[int]) -> tuple[Any, Any]:
        """One a text."""
        import torch

        with half():
            logits, vectors = encoder.read([self.texts[i] for i in batch])
        wanted = self.targets[batch]
        told = -(wanted * torch.log_softmax(logits.float(), dim=-1)).sum(-1)
        if not self.contrast:
            return told, self.weights[batch]
        return (1 - self.contrast) * told + self.contrast * contrast(vectors.float(), wanted), self.weights[batch]

    def held_out(self, encoder: Encoder) -> tuple[Any, Any]:
        """One a text."""
        import torch

        logits = encoder.predict_logits(self.held_texts)
        scale = calibration.temperature(logits, self.held_targets, self.held_weights)
        scores = np.log(np.maximum(calibration.probabilities(logits, scale), 1e-12))
        return torch.tensor(-(self.held_targets * scores).sum(-1)), torch.tensor(self.held_weights)

    def close(self, encoder: Encoder) -> list[dict[str, float]]:
        """See Lesson.close: heads fitted to what the encoder makes of its rows by now, beside the trained one."""
        return self.choose(encoder, self.seen(encoder), own=True)


def contrast(vectors: Any, wanted: Any) -> Any:
    """How far each of a batch's texts is from those of its label, beside all others; 0 where it is alone.

    Args:
        vectors: a tensor [texts, hidden].
        wanted: their distributions over labels, [texts, labels].

    Returns:
        A tensor [texts], with gradients.
    """
    import torch

    unit = torch.nn.functional.normalize(vectors, dim=-1)
    itself = torch.eye(len(unit), dtype=torch.bool, device=unit.device)
    # A text is farther from itself than from any other; not infinitely, for that times 0 is not a number.
    nearness = torch.log_softmax((unit @ unit.T / SHARPNESS).masked_fill(itself, -1e4), dim=-1)
    alike = (wanted @ wanted.T).masked_fill(itself, 0.0)
    return -(alike * nearness).sum(-1) / alike.sum(-1).clamp(min=1e-6)


def train(
    rows: Sequence[Row], held_out: Sequence[Row], recipe: ContrastRecipe, out: Path, progress: Progress = silent
) -> None:
    """Train a classifier; see `factory.students.training.train`."""
    training.train(Labels, rows, held_out, recipe, out, progress)


def targets(rows: Sequence[Row], labels: Sequence[str]) -> NDArray[np.float32]:
    """The rows' label distributions, float32 [rows, labels]."""
    place = {label: index for index, label in enumerate(labels)}
    found = np.zeros((len(rows), len(labels)), np.float32)
    for number, row in enumerate(rows):
        for label, probability in row.distribution().items():
            found[number, place[label]] = probability
    found /= found.sum(axis=1, keepdims=True)
    return found
