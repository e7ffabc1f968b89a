"""One training loop for every student: a good start, then LoRA adapters, then merge; or all weights.

LoRA: Hu et al. 2021. What is learned, by which model and from what, the `Lesson` says (lesson.py); how, and how a
restart goes on, is here.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from factory.errors import DataError
from factory.files import read_json, write_json
from factory.progress import Progress, silent
from factory.row import Row
from factory.students import crew
from factory.students.encoder import default_device, quiet
from factory.students.lesson import Learner, Lesson, Recipe, average, error
from factory.students.took import Took

HELD_OUT = "held_out.json"
WARM_UP = 0.1


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
