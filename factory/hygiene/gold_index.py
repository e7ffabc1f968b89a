"""Which gold text is nearest to a text, exactly, without comparing every text with every gold text.

Shingles that few gold texts have lead to those few (an inverted index). Shingles that many have are bits of a mask, and
are counted only for gold texts found so, or where a bound cannot exclude that a gold text sharing nothing but common
shingles is the nearest: as in the MaxScore search of Turtle and Flood, Query Evaluation (1995), but complete. Such a
gold text is found without dividing for each: of those that share so many, the smallest is the nearest.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from factory.hygiene.shingling import Array, Shingled, shingled

COMMON = 64
"""A shingle that more gold texts have is a common one. Of 16 to 256, 64 was fastest on four kinds of gold."""

_DENSE = 128  # texts compared with all of gold at once: bounds memory at _DENSE x gold texts, and keeps it in the cache


class Nearest(NamedTuple):
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
        self.by_size = np.argsort(self.sizes, kind="stable")
        hidden = (counts == self.sizes) & np.asarray(tellable)  # nothing rare leads to these
        self.hidden = int(self.sizes[hidden].min()) if hidden.any() else None

    def nearest(self, texts: Sequence[str]) -> list[Nearest]:
        """The nearest gold text to each text, and those inside of it or around it."""
        seen = _Seen(self, shingled(texts))
        for part in _parts(seen.doubtful):
            seen.look_among_common(part)
        answers = seen.by_rare()
        for part in _parts(seen.holding):
            for number, answer in seen.by_all(part):
                answers[number] = answer
        return answers

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
        self.first = np.zeros(count, dtype=np.int64)
        top = np.flatnonzero(self.similar == self.best[self.row])[::-1]
        self.first[self.row[top]] = self.gold[top]  # the last written, so the first in order
        # Where does a gold text that shares no rare shingle matter: by what holds what, or by its similarity alone?
        self.holding = (counts > 0) & (counts == self.own)
        if index.hidden is not None:
            self.holding |= counts >= index.hidden
        self.doubtful = (counts > 0) & ~self.holding & (self._bound(counts) >= self.best)

    def _bound(self, counts: Array) -> Array:
        """The highest similarity a gold text can have by a text's common shingles alone."""
        shared = np.arange(1, min(int(counts.max(initial=0)), len(self.index.smallest) - 1) + 1)
        if not len(shared):
            return np.zeros(len(counts))
        other = self.index.smallest[shared]
        bounds = shared / (self.own[:, None] + other - np.minimum(shared, self.own[:, None]))
        return np.where(shared <= counts[:, None], bounds, 0.0).max(axis=1)  # type: ignore[no-any-return]

    def look_among_common(self, numbers: Array) -> None:
        """Put right the nearest where it may be a gold text that shares common shingles only."""
        index, lines = self.index, np.arange(len(numbers))
        shared = self._shared_common(numbers, index.masks[index.by_size])
        own, best, first = self.own[numbers], self.best[numbers], self.first[numbers]
        for least in range(1, int(shared.max(initial=0)) + 1):
            enough = shared >= least
            place = enough.argmax(axis=1)  # the smallest gold text that shares so many, and the first of equals
            gold = index.by_size[place]
            union = np.maximum(own + index.sizes[gold] - least, 1)  # below 1 only where none shares so many
            similar = np.where(enough[lines, place], least / union, 0.0)
            first = np.where(similar > best, gold, np.where(similar == best, np.minimum(gold, first), first))
            best = np.maximum(similar, best)
        self.best[numbers], self.first[numbers] = best, first

    def by_rare(self) -> list[Nearest]:
        """Answers by the nearest known so far and the gold texts that share a rare shingle."""
        held = (self.shared == self.index.sizes[self.gold]) | (self.shared == self.own[self.row])
        inside: dict[int, list[int]] = {}
        for number, which in zip(self.row[held].tolist(), self.gold[held].tolist(), strict=True):
            inside.setdefault(number, []).append(which)
        known = zip(self.best.tolist(), self.first.tolist(), strict=True)
        return [Nearest(best, first, inside.get(number, [])) for number, (best, first) in enumerate(known)]

    def by_all(self, numbers: Array) -> Iterator[tuple[int, Nearest]]:
        """Answers by comparison with every gold text."""
        index = self.index
        shared = self._shared_common(numbers, index.masks).astype(np.int64)
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

    def _shared_common(self, numbers: Array, masks: Array) -> Array:
        """Common shingles shared, texts x gold texts; in bytes where they suffice."""
        words = masks.shape[1]
        shared = np.zeros((len(numbers), len(masks)), dtype=np.uint8 if words < 4 else np.uint32)
        for word in range(words):
            shared += np.bitwise_count(self.masks[numbers, word][:, None] & masks[None, :, word])
        return shared


def _parts(flags: Array) -> list[Array]:
    """Numbers of what is flagged, so many at once as are compared with all of gold."""
    numbers = np.flatnonzero(flags)
    return [numbers[start : start + _DENSE] for start in range(0, len(numbers), _DENSE)]


def _bits(masks: Array) -> Array:
    return np.bitwise_count(masks).sum(axis=1, dtype=np.int64)  # type: ignore[no-any-return]


def _smallest(counts: Array, sizes: Array) -> Array:
    """[s]: shingles of the smallest gold text that has at least s common ones."""
    found = np.full(int(counts.max(initial=0)) + 1, np.inf)
    np.minimum.at(found, counts, sizes)
    return np.minimum.accumulate(found[::-1])[::-1]
