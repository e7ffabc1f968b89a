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
from factory.students import crew
from factory.students.encoder import default_device, quiet
from factory.students.took import Took

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


def train(
    lesson: type[Lesson],
    rows: Sequence[Row],
    held_out: Sequence[Row],
    recipe: Recipe,
    out: Path,
    progress: Progress = silent,
) -> None:
    """Train on rows and write a merged transformers model (safetensors), its tokenizer and training.json to `out`.

    The epoch with the lowest held-out figure is kept, or a later one that is hardly worse (`Lesson.within`);
    held_out.json has that figure row by row, took.json what it took. Killed and called again with the same arguments it
    goes on after the last finished epoch, and ends with the same weights as if it had not been killed.

    Where processes train together (factory.students.crew) each calls this with the same arguments; a step then takes a
    batch from each, and the first alone writes.

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

    took, together = Took(), crew.here()
    torch.manual_seed(recipe.seed)
    learner = lesson.learner(recipe)
    made, folder = lesson(rows, held_out, recipe, learner), out / "checkpoint"
    if recipe.frozen:
        if together.number:
            return
        history, closed = made.settle(learner, progress), []
        chosen = kept(history)
    else:
        run = _Run(made, learner, recipe, folder, together, took)
        history = run.fit(progress)
        if together.number:
            return
        chosen = kept(history, lesson.within)
        run.go_back(chosen)
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
            "recipe": {
                name: Path(value).name if name in ("encoder", "mentor") else value
                for name, value in asdict(recipe).items()
            },
            "rows": len(rows),
            "epochs": history,
            "kept": chosen,
            **({"heads": closed} if closed else {}),
        },
    )
    took.write(out, together.size * torch.get_num_threads() if default_device() == "cpu" else None)
    shutil.rmtree(folder, ignore_errors=True)


def average(wrong: Any, weights: Any) -> float:
    """The figure of all held-out rows; 0 where no row has any weight."""
    return float((weights * wrong).sum() / weights.sum()) if float(weights.sum()) else 0.0


def error(wrong: Any, weights: Any) -> float:
    """The standard error of that figure, its rows being a sample; 0 where no row has any weight."""
    away = weights * (wrong - average(wrong, weights))
    return float((away**2).sum() ** 0.5 / weights.sum()) if float(weights.sum()) else 0.0


def kept(history: Sequence[Mapping[str, float]], within: float = 0.0) -> int:
    """Which epoch (or head) is kept, from 0: the last whose figure is at most so many standard errors above the lowest.

    Held-out rows are few, and which epoch has the lowest figure is chance's choice as much as theirs; what goes on to
    be learned at a lower rate is, as far as they can tell, no worse. With 0: the lowest.
    """
    least = min(range(len(history)), key=lambda number: history[number]["held_out"])
    if not within:
        return least
    most = history[least]["held_out"] + within * history[least]["error"]
    return max(number for number, one in enumerate(history) if one["held_out"] <= most)


def waited(history: Sequence[Mapping[str, float]], within: float = 0.0) -> int:
    """Epochs since the one that is kept."""
    return len(history) - 1 - kept(history, within) if history else 0


class _Run:
    """One training: model, optimizer and where it is; everything a checkpoint holds."""

    def __init__(
        self, lesson: Lesson, learner: Learner, recipe: Recipe, folder: Path, together: crew.Crew, took: Took
    ) -> None:
        import torch

        self.recipe, self.folder, self.lesson, self.learner = recipe, folder, lesson, learner
        self.crew, self.took = together, took
        self.lesson.begin(self.learner)
        if recipe.rank:
            self.learner.model = _adapted(self.learner.model, recipe, self.lesson.adapters)
        self.parameters = {n: p for n, p in self.learner.model.named_parameters() if p.requires_grad}
        self.optimizer = torch.optim.AdamW(self.parameters.values(), lr=recipe.learning_rate, weight_decay=0.01)
        self.steps = -(-len(self.lesson.lengths) // (self.lesson.batch * together.size))
        together.same(self.parameters.values())

    def fit(self, progress: Progress) -> list[dict[str, float]]:
        history = self._restore()
        total = self.recipe.epochs * self.steps
        for epoch in range(len(history), self.recipe.epochs):
            if waited(history, self.lesson.within) >= self.lesson.patience:
                break
            history.append(self.crew.told(self._figures(self._epoch(epoch, total, progress))))
            if not self.crew.number:
                self._save(history)
        progress(total, total)
        return history

    def go_back(self, number: int) -> None:
        """Make the learner what it was after an epoch, from 0, that is kept."""
        self._load_parameters(self._epoch_file(number))

    def merged(self) -> Any:
        """The learner's model, its adapters in its weights."""
        return self.lesson.merged(self.learner) if self.recipe.rank else self.learner.model

    def _figures(self, loss: float) -> dict[str, float]:
        """An epoch's; nothing where another process is to say them."""
        if self.crew.number:
            return {}
        said = self.lesson.held_out(self.learner)
        return {"train": round(loss, 5), "held_out": round(average(*said), 5), "error": round(error(*said), 5)}

    def _epoch(self, epoch: int, total: int, progress: Progress) -> float:
        import torch

        seed = self.recipe.seed * 1000 + epoch
        torch.manual_seed(seed + 1_000_000 * self.crew.number)  # an epoch's dropout is the same after a restart
        self.learner.model.train()
        losses = []
        batches = list(_batches(self.lesson.lengths, self.lesson.batch, seed))
        for number in range(self.steps):
            step = epoch * self.steps + number
            for group in self.optimizer.param_groups:
                group["lr"] = self.recipe.learning_rate * _schedule(step / total)
            taken = batches[number * self.crew.size : (number + 1) * self.crew.size]
            self.optimizer.zero_grad()
            if batch := self.crew.share(taken):
                each, weights = self.lesson.losses(self.learner, batch)
                loss = (weights * each).mean()
                loss.backward()
                losses.append(float(loss.detach()))
            self.crew.mean(self.parameters.values(), len(taken))
            torch.nn.utils.clip_grad_norm_(list(self.parameters.values()), 1.0)
            self.optimizer.step()
            progress(step + 1, total)
        return self.crew.average(losses)

    def _save(self, history: list[dict[str, float]]) -> None:
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
        last = self._epoch_file(len(history) - 1)
        save_file(state, last)
        write_json(self.folder / "history.json", {"epochs": history, "seconds": self.took.seconds})
        needed = (last, self._epoch_file(kept(history, self.lesson.within)))
        for file in self.folder.glob("epoch-*.safetensors"):
            if file not in needed:  # nor later: what is kept then is what is kept now, or an epoch to come
                file.unlink()

    def _restore(self) -> list[dict[str, float]]:
        if not (self.folder / "history.json").exists():
            return []
        before = read_json(self.folder / "history.json")
        history: list[dict[str, float]] = before["epochs"]
        self.took.before = before.get("seconds", 0.0)  # where an older version began it is not known
        state = self._load_parameters(self._epoch_file(len(history) - 1))
        for name, parameter in self.parameters.items():
            self.optimizer.state[parameter] = {
                "exp_avg": state[f"mean.{name}"].to(parameter.device),
                "exp_avg_sq": state[f"square.{name}"].to(parameter.device),
                "step": state[f"step.{name}"],  # AdamW counts on the processor
            }
        return history

    def _epoch_file(self, number: int) -> Path:
        """Of an epoch, from 0."""
        return self.folder / f"epoch-{number + 1}.safetensors"

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
