"""One training loop for every student: a good start, then LoRA adapters, then merge; or all weights.

LoRA: Hu et al. 2021. What is learned, by which model and from what, is the `Lesson`'s; how, and how a restart goes on,
is here.
"""

from __future__ import annotations

import shutil
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol

import numpy as np

from factory.errors import DataError, FactoryError
from factory.files import read_json, write_json
from factory.progress import Progress, silent
from factory.row import Row
from factory.students.encoder import quiet

TRAINER = 2
"""Raised when the code here and in encoder.py makes another model of the same recipe: a stage is known by its inputs,
and code is not one of them."""
HELD_OUT = "held_out.json"
WARM_UP = 0.1
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
        epochs: at most; training ends early when the held-out figure has not improved for the lesson's patience.
        seed: of shuffling and dropout.
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
        figure: what `held_out` comes to on average, for people; the epoch where it is lowest is kept.
        patience: so many epochs without a lower one end the training.
        trainer: see TRAINER; a lesson that changes alone has a number of its own.
    """

    batch: ClassVar[int] = 16
    adapters: ClassVar[Mapping[str, Any]]
    lengths: Sequence[int]
    figure: ClassVar[str] = "held-out loss"
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


def train(
    lesson: type[Lesson],
    rows: Sequence[Row],
    held_out: Sequence[Row],
    recipe: Recipe,
    out: Path,
    progress: Progress = silent,
) -> None:
    """Train on rows and write a merged transformers model (safetensors), its tokenizer and training.json to `out`.

    The epoch with the lowest held-out figure is kept; held_out.json has that figure row by row. Killed and called again
    with the same arguments it goes on after the last finished epoch, and ends with the same weights as if it had not
    been killed.

    Args:
        lesson: what is learned.
        rows: with labels among recipe.labels.
        held_out: rows that choose the epoch; never gold.
        recipe: how to train.
        out: a folder; `checkpoint/` in it holds what a restart needs and is removed at the end.
        progress: called with (batches done, batches in all); of a frozen model (texts read, texts in all).

    Raises:
        DataError: there is nothing to train on.
    """
    if not rows or not held_out:
        raise DataError(
            f"There are {len(rows)} rows to train on and {len(held_out)} held out; both are needed.",
            fix="Look at the dropped rows with `python -m factory explain`, or raise the budget.",
        )
    import torch

    torch.manual_seed(recipe.seed)
    learner = lesson.learner(recipe)
    made, folder = lesson(rows, held_out, recipe, learner), out / "checkpoint"
    if recipe.frozen:
        history, closed = made.settle(learner, progress), []
    else:
        run = _Run(made, learner, recipe, folder)
        history = run.fit(progress)
        run.restore_best()
        made.keep(learner, out)
        learner.model = run.merged()
        closed = made.close(learner)
    wrong, weights = made.held_out(learner)
    learner.model.save_pretrained(out)
    learner.tokenizer.save_pretrained(out)
    write_json(out / HELD_OUT, {"wrong": wrong.tolist(), "weights": weights.tolist()})
    write_json(
        out / "training.json",
        {
            "recipe": {**asdict(recipe), "encoder": Path(recipe.encoder).name},
            "rows": len(rows),
            "epochs": history,
            **({"heads": closed} if closed else {}),
        },
    )
    shutil.rmtree(folder, ignore_errors=True)


def average(wrong: Any, weights: Any) -> float:
    """The figure of all held-out rows; 0 where no row has any weight."""
    return float((weights * wrong).sum() / weights.sum()) if float(weights.sum()) else 0.0


class _Run:
    """One training: model, optimizer and where it is; everything a checkpoint holds."""

    def __init__(self, lesson: Lesson, learner: Learner, recipe: Recipe, folder: Path) -> None:
        import torch

        self.recipe, self.folder, self.lesson, self.learner = recipe, folder, lesson, learner
        self.lesson.begin(self.learner)
        if recipe.rank:
            self.learner.model = _adapted(self.learner.model, recipe, self.lesson.adapters)
        self.parameters = {n: p for n, p in self.learner.model.named_parameters() if p.requires_grad}
        self.optimizer = torch.optim.AdamW(self.parameters.values(), lr=recipe.learning_rate, weight_decay=0.01)
        self.batches = -(-len(self.lesson.lengths) // self.lesson.batch)

    def fit(self, progress: Progress) -> list[dict[str, float]]:
        history = self._restore()
        total = self.recipe.epochs * self.batches
        for epoch in range(len(history), self.recipe.epochs):
            if _waited(history) >= self.lesson.patience:
                break
            loss = self._epoch(epoch, total, progress)
            held = average(*self.lesson.held_out(self.learner))
            best = not history or held < min(item["held_out"] for item in history)
            history.append({"train": round(loss, 5), "held_out": round(held, 5)})
            self._save(history, best)
        progress(total, total)
        return history

    def restore_best(self) -> None:
        """Make the learner what it was after the best epoch."""
        self._load_parameters(self._best_file())

    def merged(self) -> Any:
        """The learner's model, its adapters in its weights."""
        return self.lesson.merged(self.learner) if self.recipe.rank else self.learner.model

    def _epoch(self, epoch: int, total: int, progress: Progress) -> float:
        import torch

        torch.manual_seed(self.recipe.seed * 1000 + epoch)  # an epoch's dropout is the same after a restart
        self.learner.model.train()
        losses = []
        batches = _batches(self.lesson.lengths, self.lesson.batch, self.recipe.seed * 1000 + epoch)
        for number, batch in enumerate(batches):
            step = epoch * self.batches + number
            for group in self.optimizer.param_groups:
                group["lr"] = self.recipe.learning_rate * _schedule(step / total)
            each, weights = self.lesson.losses(self.learner, batch)
            loss = (weights * each).mean()
            self.optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(list(self.parameters.values()), 1.0)
            self.optimizer.step()
            losses.append(float(loss.detach()))
            progress(step + 1, total)
        return float(np.mean(losses))

    def _save(self, history: list[dict[str, float]], best: bool) -> None:
        """Parameters and Adam's moments as safetensors; history.json is written last and says what counts."""
        from safetensors.torch import save_file

        self.folder.mkdir(parents=True, exist_ok=True)
        state: dict[str, Any] = {}
        for name, parameter in self.parameters.items():
            state[f"parameter.{name}"] = parameter.detach().clone()
            moments = self.optimizer.state[parameter]
            state[f"mean.{name}"] = moments["exp_avg"].clone()
            state[f"square.{name}"] = moments["exp_avg_sq"].clone()
            state[f"step.{name}"] = moments["step"].clone()
        save_file(state, self.folder / f"epoch-{len(history)}.safetensors")
        kept = len(history) if best else int(self._best_file().stem.split("-")[1])
        write_json(self.folder / "history.json", {"epochs": history, "best": kept})
        for file in self.folder.glob("epoch-*.safetensors"):
            if int(file.stem.split("-")[1]) not in (kept, len(history)):
                file.unlink()

    def _restore(self) -> list[dict[str, float]]:
        if not (self.folder / "history.json").exists():
            return []
        history: list[dict[str, float]] = read_json(self.folder / "history.json")["epochs"]
        state = self._load_parameters(self.folder / f"epoch-{len(history)}.safetensors")
        for name, parameter in self.parameters.items():
            self.optimizer.state[parameter] = {
                "exp_avg": state[f"mean.{name}"].to(parameter.device),
                "exp_avg_sq": state[f"square.{name}"].to(parameter.device),
                "step": state[f"step.{name}"],  # AdamW counts on the processor
            }
        return history

    def _best_file(self) -> Path:
        return self.folder / f"epoch-{read_json(self.folder / 'history.json')['best']}.safetensors"

    def _load_parameters(self, file: Path) -> dict[str, Any]:
        import torch
        from safetensors.torch import load_file

        state: dict[str, Any] = load_file(file)
        with torch.no_grad():
            for name, parameter in self.parameters.items():
                parameter.copy_(state[f"parameter.{name}"])
        return state


def _adapted(model: Any, recipe: Recipe, told: Mapping[str, Any]) -> Any:
    from peft import LoraConfig, get_peft_model

    adapters = LoraConfig(
        r=recipe.rank,
        lora_alpha=2 * recipe.rank,
        lora_dropout=recipe.dropout,
        target_modules="all-linear",
        **told,
    )
    with quiet():
        return get_peft_model(model, adapters)


def _batches(lengths: Sequence[int], size: int, seed: int) -> Iterator[list[int]]:
    """Shuffled batches of examples' numbers, like lengths together within 16 batches: little padding, still random."""
    chance = np.random.default_rng(seed)
    order = chance.permutation(len(lengths))
    pool = 16 * size
    found: list[list[int]] = []
    for start in range(0, len(order), pool):
        chunk = sorted((int(i) for i in order[start : start + pool]), key=lambda i: lengths[i])
        found.extend(chunk[i : i + size] for i in range(0, len(chunk), size))
    for number in chance.permutation(len(found)):
        yield found[int(number)]


def _schedule(done: float) -> float:
    """Share of the peak learning rate after a share of the steps."""
    return done / WARM_UP if done < WARM_UP else max(0.0, (1 - done) / (1 - WARM_UP))


def _waited(history: list[dict[str, float]]) -> int:
    """Epochs since the lowest held-out figure."""
    if not history:
        return 0
    figures = [item["held_out"] for item in history]
    return len(figures) - 1 - figures.index(min(figures))
