"""A student that writes: a small causal language model that is given a text within a prompt and writes the answer.

It learns from the answers' tokens alone; the prompt's are read and cost nothing; its beginning, which all rows have,
is read once a batch. Every token of a row counts the row's weight. What it is given is cut into tokens as the zoo does
it; how it writes is the zoo's too (by_torch.py). What more there is to records is in records.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

from factory.files import read_json, write_json
from factory.processes import cores
from factory.progress import Progress, silent
from factory.row import Row
from factory.students import distilled, prompt, pruning, quantized, training
from factory.students.encoder import default_device, half, set_threads
from factory.students.lesson import TRAINER, Lesson, Recipe
from zoo.manifest import ADAPTER


@dataclass(frozen=True)
class WritingRecipe(Recipe):
    """How to train a student that writes; `encoder` is the language model it starts from.

    Attributes:
        instruction: what it is told before every text.
        max_new_tokens: how long an answer may be.
        fields: of records, as in prompt.json; None: answers are words.
        quantized: the adapters learn over weights in 4 bits (factory.students.quantized).
        mentor: a larger model with the same tokenizer, a folder or a Hub id, whose probabilities of every token it
            learns, too (factory.students.distilled); empty: none.
        distil: their share of the loss, 0 to 1.
        softness: the temperature of these probabilities; 0: there is no mentor.
    """

    instruction: str = ""
    max_new_tokens: int = 64
    fields: Mapping[str, Mapping[str, Any]] | None = None
    quantized: bool = False
    mentor: str = ""
    distil: float = 0.0
    softness: float = 0.0

    @property
    def method(self) -> str:
        """See Recipe.method; or `qlora`."""
        return "qlora" if self.quantized else super().method


class Causal:
    """A tokenizer and a causal language model, in float32 unless it is quantised.

    Attributes:
        tokenizer: the fast tokenizer.
        model: a transformers model, possibly with peft adapters.
        device: where the model is.
    """

    def __init__(self, tokenizer: Any, model: Any, device: Any = "cpu") -> None:
        self.tokenizer, self.device = tokenizer, device
        self.model = model.to(device)

    @classmethod
    def load(cls, source: Path | str, device: str | None = None, in_4_bits: bool = False) -> Causal:
        """Load a pre-trained or trained model.

        Args:
            source: a local folder or a Hub id.
            device: as torch names it; by default the first GPU, and the processor where there is none.
            in_4_bits: quantise it, for adapters.
        """
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer
        from transformers.utils import logging as transformers_logging

        set_threads(cores())  # its steps are long enough to be shared
        transformers_logging.set_verbosity_error()
        transformers_logging.disable_progress_bar()
        device = device or default_device()
        model = (
            quantized.load(source, device)
            if in_4_bits
            else AutoModelForCausalLM.from_pretrained(source, dtype=torch.float32)
        )
        return cls(AutoTokenizer.from_pretrained(source), model, device)

    def logits(self, before: Sequence[int], given: Sequence[Sequence[int]], keep: int) -> Any:
        """What the model says after each of the last tokens of each, [n, keep, vocabulary], with gradients.

        Shorter ones begin with padding, so that all end together.

        Args:
            before: tokens that stand before each: they are read once for all.
            given: tokens, n times one or more.
            keep: of how many it is asked.
        """
        import torch

        longest = max(map(len, given))
        ids = torch.full((len(given), longest), self.tokenizer.pad_token_id or 0)
        mask = torch.zeros((len(given), len(before) + longest), dtype=torch.int64)
        mask[:, : len(before)] = 1
        for place, one in enumerate(given):
            ids[place, longest - len(one) :] = torch.tensor(one)
            mask[place, len(before) + longest - len(one) :] = 1
        places = (mask.cumsum(1) - 1).clamp(min=0)[:, len(before) :]
        ids, mask, places = (value.to(self.device) for value in (ids, mask, places))
        return self.model(
            input_ids=ids,
            attention_mask=mask,
            position_ids=places,
            past_key_values=self._read(before, len(given)),
            use_cache=True,
            logits_to_keep=keep,
        ).logits

    def _read(self, before: Sequence[int], times: int) -> Any:
        """What the model keeps of tokens that it has read, for so many to go on from; with gradients."""
        import torch
        from transformers import DynamicCache

        if not before:
            return None
        ids = torch.tensor([before], device=self.device)
        read = self.model(input_ids=ids, use_cache=True, logits_to_keep=1).past_key_values
        return DynamicCache(
            [(one.keys.expand(times, -1, -1, -1), one.values.expand(times, -1, -1, -1)) for one in read.layers]
        )


class Example(NamedTuple):
    """A row as the model is given it.

    Attributes:
        given: the tokens between the prompt's beginning, which is that of all rows, and the answer.
        answer: the answer's tokens and the one that stops it.
        learned: which of these count.
        parts: the piece of the answer that each is cut from, by number (factory.students.prompt.Part).
        weight: the row's.
    """

    given: list[int]
    answer: list[int]
    learned: list[bool]
    parts: list[int]
    weight: float


class Answers(Lesson):
    """A row's answer, token by token."""

    trainer = TRAINER + 3  # the prompt's beginning is read once a batch
    batch: ClassVar[int] = 8  # the vocabulary is large, and what is said of every token of it is held at once
    adapters: ClassVar[Mapping[str, Any]] = {"task_type": "CAUSAL_LM"}

    def __init__(self, rows: Sequence[Row], held_out: Sequence[Row], recipe: WritingRecipe, learner: Causal) -> None:
        self._prompt = prompt.make(learner.tokenizer, recipe.instruction, recipe.max_new_tokens, recipe.fields)
        self._cutter = prompt.cutter(learner.tokenizer)
        self._frame = prompt.frame(self._prompt, self._cutter, recipe.max_tokens)
        self._recipe, self._mentor = recipe, _mentor(recipe, learner)
        self.examples, self.held_examples = ([self._example(row) for row in some] for some in (rows, held_out))
        self.lengths = [len(one.given) + len(one.answer) for one in self.examples]

    @classmethod
    def learner(cls, recipe: WritingRecipe) -> Causal:
        """See Lesson.learner.

        Raises:
            FactoryError: it is to be quantised, and this machine can't; or it has too few layers.
        """
        if recipe.quantized:
            quantized.check()
        return _pruned(Causal.load(recipe.encoder, in_4_bits=recipe.quantized), recipe)

    def begin(self, learner: Causal) -> None:
        """Nothing is set: it writes already."""

    def keep(self, learner: Causal, out: Path) -> None:
        """The adapter, by which one server runs any number of specialists (zoo.engine); of the whole base alone."""
        if not self._recipe.rank or self._recipe.layers:
            return
        config = out / ADAPTER[0]
        learner.model.save_pretrained(config.parent)
        (config.parent / "README.md").unlink(missing_ok=True)  # peft's, which says nothing
        write_json(config, read_json(config) | {"base_model_name_or_path": None})  # it was a path on this machine

    def merged(self, learner: Causal) -> Any:
        """See Lesson.merged; the merging itself needs no GPU."""
        if not self._recipe.quantized:
            return super().merged(learner)
        whole = _pruned(Causal.load(self._recipe.encoder, "cpu"), self._recipe).model
        return quantized.merged(learner.model, whole).to(learner.device)

    def losses(self, learner: Causal, batch: Sequence[int]) -> tuple[Any, Any]:
        """One a token of the answers; with a mentor its probabilities have their share of each."""
        with half():
            return self._losses(learner, [self.examples[place] for place in batch], self._mentor)

    def held_out(self, learner: Causal) -> tuple[Any, Any]:
        """The mean over the tokens of a row's answer; tokens count alike, so a row weighs as many as it has."""
        import torch

        learner.model.eval()
        wrong, weights = [], []
        for start in range(0, len(self.held_examples), self.batch):
            some = self.held_examples[start : start + self.batch]
            sizes = [sum(one.learned) for one in some]
            with torch.no_grad():
                each, _ = self._losses(learner, some)
            wrong += [float(part.mean()) for part in each.split(sizes)]
            weights += [one.weight * size for one, size in zip(some, sizes, strict=True)]
        return torch.tensor(wrong), torch.tensor(weights)

    def _example(self, row: Row) -> Example:
        parts = [prompt.Part(row.answer or "", learned=True)]
        if row.record is not None:
            parts = prompt.record(self._prompt.fields, row.record, row.told)
        ids, learned, places = list[int](), list[bool](), list[int]()
        for place, part in enumerate(parts):
            cut = self._cutter.encode(part.text, add_special_tokens=False).ids
            ids += cut
            learned += [part.learned] * len(cut)
            places += [place] * len(cut)
        ids, learned, places = [*ids, self._prompt.stop[0]], [*learned, True], [*places, len(parts) - 1]
        return Example(self._frame.rest(row.text), ids, learned, places, float(row.weight))

    def said(self, learner: Causal, examples: Sequence[Example]) -> Any:
        """Logits [n, longest answer, vocabulary] at each place of the answers, which end together.

        The model is given all that stands before a place, as it is in the row.
        """
        longest = max(len(one.answer) for one in examples)
        given = [one.given + one.answer for one in examples]
        return learner.logits(self._frame.before, given, longest + 1)[:, :-1]

    def _losses(self, learner: Causal, examples: Sequence[Example], mentor: Causal | None = None) -> tuple[Any, Any]:
        import torch

        said = self.said(learner, examples)
        longest = said.shape[1]
        counts = torch.zeros((len(examples), longest), dtype=torch.bool)
        for place, one in enumerate(examples):
            counts[place, longest - len(one.answer) :] = torch.tensor(one.learned)
        wanted = [token for one in examples for token, yes in zip(one.answer, one.learned, strict=True) if yes]
        weights = [one.weight for one in examples for yes in one.learned if yes]
        mine = said[counts.to(said.device)].float()
        each = torch.nn.functional.cross_entropy(mine, torch.tensor(wanted, device=learner.device), reduction="none")
        if mentor:
            with torch.no_grad():
                theirs = self.said(mentor, examples)[counts.to(mentor.device)]
            share, softness = self._recipe.distil, self._recipe.softness
            each = (1 - share) * each + share * distilled.divergence(mine, theirs, softness)
        return each, torch.tensor(weights, device=learner.device)


def _mentor(recipe: WritingRecipe, learner: Causal) -> Causal | None:
    if not recipe.mentor:
        return None
    found = Causal.load(recipe.mentor, learner.device)
    distilled.check(learner.tokenizer, found.tokenizer, recipe.mentor)
    found.model.eval().requires_grad_(requires_grad=False)
    return found


def _pruned(learner: Causal, recipe: WritingRecipe) -> Causal:
    pruning.keep(learner.model, recipe.layers)
    return learner


def train(
    lesson: type[Answers],
    rows: Sequence[Row],
    held_out: Sequence[Row],
    recipe: WritingRecipe,
    out: Path,
    progress: Progress = silent,
) -> None:
    """Train a student that writes, as `factory.students.training.train` does; `out` also holds prompt.json."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(recipe.encoder)
    prompt.write(out, prompt.make(tokenizer, recipe.instruction, recipe.max_new_tokens, recipe.fields))
    training.train(lesson, rows, held_out, recipe, out, progress)
