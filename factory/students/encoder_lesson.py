"""What students with an encoder have in common while they learn: outputs, and a head that starts well.

Probing before fine-tuning (LP-FT, Kumar et al. 2022) starts the head where the pre-trained features already point;
with few rows it is worth several points over a random head.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from factory.students.encoder import Encoder
from factory.students.probe import Array
from factory.students.training import Lesson, Recipe


class EncoderLesson(Lesson):
    """A linear head on an encoder, both trained."""

    adapters: ClassVar[Mapping[str, Any]] = {"task_type": "TOKEN_CLS", "modules_to_save": ["classifier"]}

    @staticmethod
    @abstractmethod
    def outputs(labels: Sequence[str]) -> tuple[str, ...]:
        """What the model's outputs stand for, in order."""

    @abstractmethod
    def head(self, encoder: Encoder) -> tuple[Array, Array]:
        """The head that training starts with: weight [outputs, hidden] and bias [outputs]."""

    @classmethod
    def learner(cls, recipe: Recipe) -> Encoder:
        """See Lesson.learner; its head is fresh."""
        return Encoder.load(recipe.encoder, cls.outputs(recipe.labels), recipe.max_tokens)

    def begin(self, learner: Encoder) -> None:
        """Set the head."""
        import torch

        weight, bias = self.head(learner)
        with torch.no_grad():
            learner.model.classifier.weight.copy_(torch.tensor(weight))
            learner.model.classifier.bias.copy_(torch.tensor(bias))
