"""A student that marks spans: a tag for every word piece, and the loss on these.

Tags are BIO (zoo.decoding), on all pieces of a word; every piece of a row counts the row's weight. Texts longer than
the model takes at once are read in overlapping windows (zoo.windows), in training as in use: nothing goes unread.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from factory.progress import Progress, silent
from factory.row import Row
from factory.span import Spans
from factory.students import training
from factory.students.encoder import BATCH, Encoder, half, to_numpy
from factory.students.encoder_lesson import EncoderLesson
from factory.students.lesson import TRAINER, Recipe
from factory.students.probe import Array
from zoo import decoding
from zoo.windows import Pieces, Window, join, pieces, windows

MOST = 20_000
"""Pieces to which a head is fitted: more take long and change it little."""


class Tagger:
    """Reads whole texts with an encoder, piece by piece.

    Args:
        encoder: its head gives the tags, for `logits`; `vectors` do without.
    """

    def __init__(self, encoder: Encoder) -> None:
        from tokenizers import Tokenizer

        self.encoder = encoder
        self._cutter = Tokenizer.from_str(encoder.tokenizer.backend_tokenizer.to_str())
        self._cutter.no_truncation()
        self._cutter.no_padding()

    def cut(self, text: str) -> Pieces:
        """The text's pieces."""
        return pieces(self._cutter, text)

    def windows(self, cut: Pieces) -> list[Window]:
        """What the model is given at once."""
        return windows(cut, self.encoder.max_tokens)

    def batch(self, given: Sequence[Window]) -> dict[str, Any]:
        """Tensors `input_ids` and `attention_mask` [windows, tokens]."""
        import torch

        ids = torch.full((len(given), max(len(one.ids) for one in given)), self.encoder.tokenizer.pad_token_id or 0)
        mask = torch.zeros_like(ids)
        for place, one in enumerate(given):
            ids[place, : len(one.ids)] = torch.tensor(one.ids)
            mask[place, : len(one.ids)] = 1
        return {"input_ids": ids.to(self.encoder.device), "attention_mask": mask.to(self.encoder.device)}

    def logits(self, texts: Sequence[str]) -> list[NDArray[np.float32]]:
        """What the head says of each text's pieces, [pieces, tags], without gradients."""
        return self.read(texts, lambda batch: to_numpy(self.encoder.model(**batch).logits))

    def vectors(self, texts: Sequence[str], progress: Progress = silent) -> list[NDArray[np.float32]]:
        """The encoder's vectors of each text's pieces, [pieces, hidden]."""

        def hidden(batch: dict[str, Any]) -> Any:
            return to_numpy(self.encoder.model.base_model(**batch).last_hidden_state)

        return self.read(texts, hidden, progress=progress)

    def read(
        self,
        texts: Sequence[str],
        function: Callable[[dict[str, Any]], Any],
        batch_size: int = BATCH,
        progress: Progress = silent,
    ) -> list[NDArray[np.float32]]:
        """What a function of `batch`'s tensors, which gives [windows, tokens, n], says of each text's pieces."""
        import torch

        self.encoder.model.eval()
        cuts = [self.cut(text) for text in texts]
        given = [self.windows(cut) for cut in cuts]
        flat = [one for some in given for one in some]
        order = sorted(range(len(flat)), key=lambda place: len(flat[place].ids))  # like lengths together: less padding
        said: dict[int, NDArray[np.float32]] = {}
        with torch.no_grad():
            for start in range(0, len(order), batch_size):
                chunk = order[start : start + batch_size]
                values = function(self.batch([flat[place] for place in chunk]))
                said |= {place: one[: len(flat[place].ids)] for place, one in zip(chunk, values, strict=True)}
                progress(start + len(chunk), len(order))
        answers = iter([said[place] for place in range(len(flat))])
        return [join(cut, some, [next(answers) for _ in some]) for cut, some in zip(cuts, given, strict=True)]


def find(
    texts: Sequence[str], cuts: Iterable[Pieces], logits: Iterable[Any], labels: Sequence[str], temperature: float = 1.0
) -> list[list[decoding.Found]]:
    """The spans of each text, from what a head says of its pieces; scores are of softmax(logits / temperature)."""
    return [
        decoding.spans(text, cut.places, decoding.softmax(said, temperature), labels)
        for text, cut, said in zip(texts, cuts, logits, strict=True)
    ]


def tags_of(places: Sequence[tuple[int, int]], spans: Spans, labels: Sequence[str]) -> NDArray[np.int64]:
    """The number of each piece's tag, [pieces], by their (start, end): a span's first piece is its B, others its I."""
    found = np.zeros(len(places), np.int64)
    for span in spans:
        inside = [n for n, (start, end) in enumerate(places) if start < span.end and span.start < end]
        found[inside] = 2 + 2 * labels.index(span.label)
        found[inside[:1]] -= 1
    return found


class Example(NamedTuple):
    """A window of a row, its pieces' tags by number, how many special tokens come first, and the row's weight."""

    window: Window
    tags: NDArray[np.int64]
    first: int
    weight: float


class Tags(EncoderLesson):
    """A tag a piece, from the pieces' own logits; an example is a window.

    The epoch is chosen by spans, not by the loss: that begins to rise after two or three epochs, as a model grows too
    sure of the pieces it has wrong, while the spans get better for many more. Temperature puts its sureness right.
    """

    figure = "share of held-out spans wrong"
    within = 1.0
    patience = 5
    trainer = TRAINER + 2  # the epoch is chosen by spans; a later one is kept that is hardly worse

    def __init__(self, rows: Sequence[Row], held_out: Sequence[Row], recipe: Recipe, encoder: Encoder) -> None:
        self.rows, self.held_rows, self.labels, self.penalty = rows, held_out, recipe.labels, recipe.penalty
        self.tagger = Tagger(encoder)
        self.examples = self._examples(rows)
        self.lengths = [len(one.window.ids) for one in self.examples]

    @staticmethod
    def outputs(labels: Sequence[str]) -> tuple[str, ...]:
        """The tags."""
        return decoding.tags(labels)

    def seen(self, encoder: Encoder, progress: Progress = silent) -> tuple[Array, Array, Array]:
        """See EncoderLesson.seen; the vectors of pieces."""
        return seen_pieces(self.tagger, self.rows, self.labels, progress=progress)

    def losses(self, encoder: Encoder, batch: Sequence[int]) -> tuple[Any, Any]:
        """One a piece."""
        with half():
            return self._losses(encoder, [self.examples[i] for i in batch])

    def held_out(self, encoder: Encoder) -> tuple[Any, Any]:
        """The share of wrong ones among the spans of a row, those that people marked or the model finds: not both do.

        Spans count alike, so a row weighs as many as it has, and the average is 1 - J, the Jaccard distance of all
        spans; strict F1 is 2J / (1 + J).
        """
        import torch

        texts = [row.text for row in self.held_rows]
        answers = find(texts, map(self.tagger.cut, texts), self.tagger.logits(texts), self.labels)
        wrong, weights = [], []
        for row, some in zip(self.held_rows, answers, strict=True):
            people, model = ({(one.start, one.end, one.label) for one in said} for said in (row.spans or (), some))
            wrong.append(len(people ^ model) / max(1, len(people | model)))
            weights.append(row.weight * len(people | model))
        return torch.tensor(wrong), torch.tensor(weights)

    def _examples(self, rows: Sequence[Row]) -> list[Example]:
        found = []
        for row in rows:
            cut = self.tagger.cut(row.text)
            tags = tags_of(cut.places, row.spans or (), self.labels)
            found += [
                Example(one, tags[one.start : one.stop], len(cut.before), row.weight)
                for one in self.tagger.windows(cut)
            ]
        return found

    def _losses(self, encoder: Encoder, examples: Sequence[Example]) -> tuple[Any, Any]:
        import torch

        batch = self.tagger.batch([one.window for one in examples])
        read = torch.zeros_like(batch["input_ids"], dtype=torch.bool)
        for place, one in enumerate(examples):
            read[place, one.first : one.first + len(one.tags)] = True
        logits = encoder.model(**batch).logits[read].float()
        wanted = torch.tensor(np.concatenate([one.tags for one in examples]), device=encoder.device)
        weights = np.concatenate([np.full(len(one.tags), one.weight, np.float32) for one in examples])
        return torch.nn.functional.cross_entropy(logits, wanted, reduction="none"), torch.tensor(
            weights, device=encoder.device
        )


def seen_pieces(
    tagger: Tagger, rows: Sequence[Row], labels: Sequence[str], most: int = MOST, progress: Progress = silent
) -> tuple[Array, Array, Array]:
    """The encoder's vectors of pieces [n, hidden], their tags [n, tags] and weights [n].

    Of many rows some, drawn with a fixed seed: `most` pieces or a few more.
    """
    cuts = [tagger.cut(row.text) for row in rows]
    order = np.random.default_rng(0).permutation(len(rows))
    sizes = np.cumsum([len(cuts[i].ids) for i in order])
    chosen = order[: 1 + int((sizes < most).sum())]
    vectors = np.concatenate(tagger.vectors([rows[i].text for i in chosen], progress))
    wanted = np.concatenate([tags_of(cuts[i].places, rows[i].spans or (), labels) for i in chosen])
    weights = np.concatenate([np.full(len(cuts[i].ids), rows[i].weight, np.float32) for i in chosen])
    return vectors, np.eye(len(decoding.tags(labels)), dtype=np.float32)[wanted], weights


def train(rows: Sequence[Row], held_out: Sequence[Row], recipe: Recipe, out: Path, progress: Progress = silent) -> None:
    """Train a tagger; see `factory.students.training.train`."""
    training.train(Tags, rows, held_out, recipe, out, progress)
