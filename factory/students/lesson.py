"""What a student learns, from which rows and by which recipe; how it goes about that is training.py's."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol

from factory.errors import FactoryError
from factory.progress import Progress, silent
from factory.row import Row

TRAINER = 2
"""Raised when the code here, in training.py or in encoder.py makes another model of the same recipe: a stage is known
by its inputs, and code is not one of them."""
PATIENCE = 3


@dataclass(frozen=True)
class Recipe:
    """How to train.

    Attributes:
        encoder: the pre-trained model, a local folder or a Hub id.
        labels: the spec's, in order.
        max_tokens: how many tokens the model is given at once.
        rank: of the LoRA adapters, on every linear layer of the model; 0: no adapters, all its weights are trained.
        frozen: nothing of the model is trained but its head, which the lesson then chooses; the rank says nothing.
        dropout: before every adapter, beside the model's own; drawing these masks takes long.
        learning_rate: peak; linear warm-up over the first tenth, linear decay to zero.
        epochs: at most; training ends early when held-out rows have chosen none for the lesson's patience.
        seed: of shuffling and dropout.
        penalty: on the weights of a head that is fitted to a model as it came, or as it was trained (then 0: the head
            stays as it was trained, too); None: held-out rows choose it.
        layers: the model is pruned to its first so many (factory.students.pruning); 0: it is not.
    """

    encoder: str
    labels: tuple[str, ...]
    max_tokens: int
    rank: int = 16
    frozen: bool = False
    dropout: float = 0.0
    learning_rate: float = 1e-3
    epochs: int = 10
    seed: int = 13
    layers: int = 0
    penalty: float | None = None

    @property
    def method(self) -> str:
        """What is trained: `frozen` (the head alone), `lora` or `full`; a student may know more."""
        return "frozen" if self.frozen else "lora" if self.rank else "full"


class Learner(Protocol):
    """What learns: a transformers model, possibly with peft adapters, and its tokenizer."""

    tokenizer: Any
    model: Any


class Lesson(ABC):
    """What is learned from which examples; an example is what the model is given at once.

    Made from rows to train on, held-out rows, the recipe, and the model as it came. A loss is a cross-entropy, and
    has a weight.

    Attributes:
        batch: how many examples a step takes.
        adapters: what peft is told of the model besides the recipe: its `task_type`, what is trained whole.
        lengths: of the examples, in any unit; like lengths go together.
        figure: what `held_out` comes to on average, for people.
        within: of epochs the last is kept whose figure is at most so many standard errors above the lowest.
        patience: so many epochs after the one kept end the training.
        trainer: see TRAINER; a lesson that changes alone has a number of its own.
    """

    batch: ClassVar[int] = 16
    adapters: ClassVar[Mapping[str, Any]]
    lengths: Sequence[int]
    figure: ClassVar[str] = "held-out loss"
    within: ClassVar[float] = 0.0
    patience: ClassVar[int] = PATIENCE
    trainer: ClassVar[int] = TRAINER

    @abstractmethod
    def __init__(self, rows: Sequence[Row], held_out: Sequence[Row], recipe: Any, learner: Any) -> None: ...

    @classmethod
    @abstractmethod
    def learner(cls, recipe: Any) -> Learner:
        """The pre-trained model that the recipe names, before it has learned anything."""

    @abstractmethod
    def begin(self, learner: Any) -> None:
        """Set what training starts from, where that is not the model as it came."""

    def settle(self, learner: Any, progress: Progress = silent) -> list[dict[str, float]]:
        """Choose a head for a model that stays as it came; what was tried, each with its `held_out` figure.

        Raises:
            FactoryError: a lesson without a head.
        """
        raise FactoryError("This student has no head: frozen it would learn nothing.", fix="Train it with adapters.")

    def keep(self, learner: Any, out: Path) -> None:  # noqa: B027  (most keep nothing)
        """Write what is kept of a trained model beside its weights, before its adapters are merged."""

    def merged(self, learner: Any) -> Any:
        """A trained model with its adapters in its weights."""
        return learner.model.merge_and_unload()

    def close(self, learner: Any) -> list[dict[str, float]]:
        """A last choice for a trained and merged model; what was tried, each with its `held_out` figure."""
        return []

    @abstractmethod
    def losses(self, learner: Any, batch: Sequence[int]) -> tuple[Any, Any]:
        """Losses of these examples, with gradients, and their weights: two tensors [n]."""

    @abstractmethod
    def held_out(self, learner: Any) -> tuple[Any, Any]:
        """What is wrong with answers to held-out rows, without gradients, and the weights: two tensors [rows].

        Losses; or another figure, where that tells better which epoch to keep.
        """


def average(wrong: Any, weights: Any) -> float:
    """The figure of all held-out rows; 0 where no row has any weight."""
    return float((weights * wrong).sum() / weights.sum()) if float(weights.sum()) else 0.0


def error(wrong: Any, weights: Any) -> float:
    """The standard error of that figure, its rows being a sample; 0 where no row has any weight."""
    away = weights * (wrong - average(wrong, weights))
    return float((away**2).sum() ** 0.5 / weights.sum()) if float(weights.sum()) else 0.0
