"""A student that gives a text one label; it learns from distributions over labels.

Soft labels: the loss is the cross-entropy against the row's distribution, weighted by the row's weight (Hinton et al.
2015, temperature 1).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from factory.progress import Progress, silent
from factory.row import Row
from factory.students import training
from factory.students.encoder import Encoder, half, to_numpy
from factory.students.encoder_lesson import EncoderLesson
from factory.students.probe import Array
from factory.students.training import PATIENCE as PATIENCE
from factory.students.training import TRAINER as TRAINER
from factory.students.training import Recipe as Recipe


class Labels(EncoderLesson):
    """A label a text, from the logits' mean over tokens."""

    def __init__(self, rows: Sequence[Row], held_out: Sequence[Row], recipe: Recipe, encoder: Encoder) -> None:
        import torch

        self.texts = [row.text for row in rows]
        self.lengths = [len(text) for text in self.texts]
        self.held_texts = [row.text for row in held_out]
        self.targets = torch.tensor(targets(rows, recipe.labels), device=encoder.device)
        self.weights = torch.tensor([row.weight for row in rows], device=encoder.device)
        self.held_targets = torch.tensor(targets(held_out, recipe.labels))
        self.held_weights = torch.tensor([row.weight for row in held_out])

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
            logits = encoder.logits([self.texts[i] for i in batch])
        scores = torch.log_softmax(logits.float(), dim=-1)
        return -(self.targets[batch] * scores).sum(-1), self.weights[batch]

    def held_out(self, encoder: Encoder) -> tuple[Any, Any]:
        """One a text."""
        import torch

        scores = torch.log_softmax(torch.tensor(encoder.predict_logits(self.held_texts)), dim=-1)
        return -(self.held_targets * scores).sum(-1), self.held_weights


def train(rows: Sequence[Row], held_out: Sequence[Row], recipe: Recipe, out: Path, progress: Progress = silent) -> None:
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
