"""What students with an encoder have in common while they learn: outputs, and a head that starts well.

Probing before fine-tuning (LP-FT, Kumar et al. 2022) starts the head where the pre-trained features already point;
with few rows it is worth several points over a random head.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from factory.errors import SpecError
from factory.progress import Progress, silent
from factory.students import probe, pruning
from factory.students.encoder import Encoder
from factory.students.lesson import Lesson, Recipe, average
from factory.students.probe import Array

PENALTIES = (1e-4, 1e-3, 1e-2, 1e-1)
"""On the squares of a frozen model's head; what goes on to be trained starts from `probe.fit`'s own."""
CLOSING = PENALTIES[1:]
"""The same, of a trained model's: with less a weak model's head grows so large that int8 answers otherwise."""


class EncoderLesson(Lesson):
    """A linear head on an encoder, both trained.

    Attributes:
        penalty: the recipe's.
    """

    penalty: float | None = None
    adapters: ClassVar[Mapping[str, Any]] = {"task_type": "TOKEN_CLS", "modules_to_save": ["classifier"]}

    @staticmethod
    @abstractmethod
    def outputs(labels: Sequence[str]) -> tuple[str, ...]:
        """What the model's outputs stand for, in order."""

    @abstractmethod
    def seen(self, encoder: Encoder, progress: Progress = silent) -> tuple[Array, Array, Array]:
        """What a head is fitted to: vectors [n, hidden], targets [n, outputs] and weights [n]."""

    @classmethod
    def learner(cls, recipe: Recipe) -> Encoder:
        """See Lesson.learner; its head is fresh.

        Raises:
            SpecError: it can't read so many tokens at once, or has too few layers.
        """
        encoder = Encoder.load(recipe.encoder, cls.outputs(recipe.labels), recipe.max_tokens)
        check_reach(recipe, encoder.max_tokens)
        pruning.keep(encoder.model, recipe.layers)
        return encoder

    def begin(self, learner: Encoder) -> None:
        """Set the head."""
        _set(learner, *probe.fit(*self.seen(learner)))

    def settle(self, learner: Encoder, progress: Progress = silent) -> list[dict[str, float]]:
        """See Lesson.settle: of heads with different penalties the one with the lowest held-out figure is kept."""
        return self.choose(learner, self.seen(learner, progress))

    def choose(self, learner: Encoder, seen: tuple[Array, Array, Array], own: bool = False) -> list[dict[str, float]]:
        """Give the model the best of several heads by the held-out figure, or the one of the recipe's penalty, and tell
        what was tried.

        Args:
            learner: the model.
            seen: what heads are fitted to, one for each of PENALTIES.
            own: the head it has takes part, its penalty is said to be 0, and the others' are CLOSING.
        """
        penalties: Sequence[float] = CLOSING if own else PENALTIES
        if self.penalty is not None:
            penalties, own = (self.penalty,) if self.penalty else (), not self.penalty
        heads = {0.0: _head(learner)} if own else {}
        heads |= {penalty: probe.fit(*seen, penalty) for penalty in penalties}
        tried = []
        for penalty, head in heads.items():
            _set(learner, *head)
            tried.append({"penalty": penalty, "held_out": round(average(*self.held_out(learner)), 5)})
        _set(learner, *heads[min(tried, key=lambda one: one["held_out"])["penalty"]])
        return tried


def _head(learner: Encoder) -> tuple[Array, Array]:
    found = learner.model.classifier
    return found.weight.detach().cpu().numpy().copy(), found.bias.detach().cpu().numpy().copy()


def check_reach(recipe: Recipe, reach: int) -> None:
    """See that who reads so many tokens at once reads those that a recipe asks for; raises SpecError."""
    if reach < recipe.max_tokens:
        raise SpecError(
            f"student.max_tokens is {recipe.max_tokens}, and this student reads {reach} at once.",
            where=str(recipe.encoder),
            fix=f"Set it to {reach} or less, or name another student.base.",
        )


def _set(learner: Encoder, weight: Array, bias: Array) -> None:
    import torch

    with torch.no_grad():
        learner.model.classifier.weight.copy_(torch.tensor(weight))
        learner.model.classifier.bias.copy_(torch.tensor(bias))
