"""Which gold text is nearest to a text, exactly, without comparing every text with every gold text.

Shingles that few gold texts have lead to those few (an inverted index). Shingles that many have are bits of a mask, and
are counted only for gold texts found so, or where a bound cannot exclude that a gold text sharing nothing but common
shingles is the nearest: as in the MaxScore search of Turtle and Flood, Query Evaluation (1995), but complete.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from factory.hygiene.shingling import Array, Shingled, shingled

COMMON = 64
"""A shingle that more gold texts have is a common one. Of 16 to 256, 64 was fastest on four kinds of gold."""

_DENSE = 128  # texts compared with all of gold at once: bounds memory at _DENSE x gold texts


@dataclass(frozen=True)
class Nearest:
    """What gold says of one text.

    Attributes:
        similarity: the highest Jaccard similarity to a gold text.
        which: number of the first gold text that has it.
        inside: numbers of the gold texts all of whose shingles the text has, or that have all of the text's.
    """

    similarity: float
    which: int
    inside: list[int]


class GoldIndex:
    """Gold texts by their shingles.

    Args:
        texts: the gold texts, at least one.
        tellable: for each, whether finding it inside of another text means anything; `inside` holds only those, and
            those that hold a text all of whose shingles are theirs.
    """

    def __init__(self, texts: Sequence[str], tellable: Sequence[bool]) -> None:
        from scipy.sparse import csr_array

        made = shingled(texts)
        self.sizes = made.sizes
        self.vocabulary, column, frequency = np.unique(made.flat, return_inverse=True, return_counts=True)
        gold = np.repeat(np.arange(len(texts)), self.sizes)
        self.common = frequency > COMMON
        self.number = np.where(self.common, np.cumsum(self.common), np.cumsum(~self.common)) - 1
        few = ~self.common[column]
        pairs = self.number[column[few]], gold[few]
        self.rare = csr_array(
            (np.ones(len(pairs[0]), dtype=np.int32), pairs), shape=(int((~self.common).sum()), len(texts))
        )
        self.masks = self._masks(len(texts), gold[~few], self.number[column[~few]])
        counts = np.bincount(gold[~few], minlength=len(texts))
        self.smallest = _smallest(counts, self.sizes)
        hidden = (counts == self.sizes) & np.asarray(tellable)  # nothing rare leads to these
        self.hidden = int(self.sizes[hidden].min()) if hidden.any() else None

    def nearest(self, texts: Sequence[str]) -> list[Nearest]:
        """The nearest gold text to each text, and those inside of it or around it."""
        made = shingled(texts)
        seen = _Seen(self, made)
        answers: dict[int, Nearest] = {}
        todo = np.flatnonzero(seen.open)
        for start in range(0, len(todo), _DENSE):
            answers.update(seen.by_all(todo[start : start + _DENSE]))
        answers.update(seen.by_rare(~seen.open))
        return [answers[number] for number in range(len(texts))]

    def _masks(self, rows: int, row: Array, number: Array) -> Array:
        """rows x words of 64 bits: which common shingles each has."""
        words = -(-max(int(self.common.sum()), 1) // 64)
        flags = np.zeros((rows, words * 64), dtype=bool)
        flags[row, number] = True
        return np.packbits(flags, axis=1).view(np.uint64)


class _Seen:
    """Some texts as the index sees them."""

    def __init__(self, index: GoldIndex, made: Shingled) -> None:
        from scipy.sparse import csr_array

        self.index, self.own, count = index, made.sizes, len(made.sizes)
        row = np.repeat(np.arange(count), made.sizes)
        place = np.minimum(np.searchsorted(index.vocabulary, made.flat), len(index.vocabulary) - 1)
        known = index.vocabulary[place] == made.flat
        row, place = row[known], place[known]
        often = index.common[place]
        self.masks = index._masks(count, row[often], index.number[place[often]])
        counts = np.bincount(row[often], minlength=count)
        mine = (np.ones(int((~often).sum()), dtype=np.int32), (row[~often], index.number[place[~often]]))
        found: Any = csr_array(mine, shape=(count, index.rare.shape[0])) @ index.rare
        found.sort_indices()
        self.ends, self.gold, self.few = found.indptr, found.indices, found.data
        self.row = np.repeat(np.arange(count), np.diff(self.ends))
        self.shared = self.few + _bits(self.masks[self.row] & index.masks[self.gold])
        self.similar = self.shared / (self.own[self.row] + index.sizes[self.gold] - self.shared)
        self.best = np.zeros(count)
        np.maximum.at(self.best, self.row, self.similar)
        # Where may a gold text that shares no rare shingle matter: by its similarity, or by what holds what?
        self.open = (counts > 0) & ((self._bound(counts) >= self.best) | (counts == self.own))
        if index.hidden is not None:
            self.open |= counts >= index.hidden

    def _bound(self, counts: Array) -> Array:
        """The highest similarity a gold text can have by a text's common shingles alone."""
        shared = np.arange(1, min(int(counts.max(initial=0)), len(self.index.smallest) - 1) + 1)
        if not len(shared):
            return np.zeros(len(counts))
        other = self.index.smallest[shared]
        bounds = shared / (self.own[:, None] + other - np.minimum(shared, self.own[:, None]))
        return np.where(shared <= counts[:, None], bounds, 0.0).max(axis=1)  # type: ignore[no-any-return]

    def by_rare(self, asked: Array) -> Iterator[tuple[int, Nearest]]:
        """Answers where gold texts that share a rare shingle are all that matter."""
        held = (self.shared == self.index.sizes[self.gold]) | (self.shared == self.own[self.row])
        inside: dict[int, list[int]] = {}
        for number, which in zip(self.row[held].tolist(), self.gold[held].tolist(), strict=True):
            inside.setdefault(number, []).append(which)
        first = np.zeros(len(self.own), dtype=np.int64)
        top = np.flatnonzero(self.similar == self.best[self.row])[::-1]
        first[self.row[top]] = self.gold[top]  # the last written, so the first in order
        for number in np.flatnonzero(asked).tolist():
            yield number, Nearest(float(self.best[number]), int(first[number]), inside.get(number, []))

    def by_all(self, numbers: Array) -> Iterator[tuple[int, Nearest]]:
        """Answers by comparison with every gold text."""
        index = self.index
        shared = np.zeros((len(numbers), len(index.sizes)), dtype=np.int64)
        for word in range(index.masks.shape[1]):
            shared += np.bitwise_count(self.masks[numbers, word][:, None] & index.masks[None, :, word])
        for line, number in enumerate(numbers.tolist()):
            part = slice(self.ends[number], self.ends[number + 1])
            shared[line, self.gold[part]] += self.few[part]
        own = self.own[numbers][:, None]
        similar = shared / (own + index.sizes - shared)
        inside = (shared == index.sizes) | (shared == own)
        which = similar.argmax(axis=1)
        for line, number in enumerate(numbers.tolist()):
            best = int(which[line])
            yield number, Nearest(float(similar[line, best]), best, np.flatnonzero(inside[line]).tolist())


def _bits(masks: Array) -> Array:
    return np.bitwise_count(masks).sum(axis=1, dtype=np.int64)  # type: ignore[no-any-return]


def _smallest(counts: Array, sizes: Array) -> Array:
    """[s]: shingles of the smallest gold text that has at least s common ones."""
    found = np.full(int(counts.max(initial=0)) + 1, np.inf)
    np.minimum.at(found, counts, sizes)
    return np.minimum.accumulate(found[::-1])[::-1]
