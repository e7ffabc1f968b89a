"""How varied texts are, by their words and by an encoder's vectors; and which phrasing comes too often.

Every figure here depends on how many texts it is of, so figures are compared between samples of one size.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from factory.words import words

Array = NDArray[np.float32]

OPENING = 3
"""Words that make an opening."""


def distinct(texts: Sequence[str], n: int) -> float:
    """Different n-grams over all n-grams (Li et al. 2016), 0 to 1; 0 where there are none."""
    grams = [gram for text in texts for gram in _grams(words(text), n)]
    return len(set(grams)) / len(grams) if grams else 0.0


def spread(vectors: Array) -> float | None:
    """Mean cosine distance between two of the vectors [texts, hidden], 0 to 2; None below two texts."""
    if len(vectors) < 2:
        return None
    count, total = len(vectors), unit(vectors).sum(axis=0, dtype=np.float64)
    return float(1 - (total @ total - count) / (count * (count - 1)))


def nearest(vectors: Array, others: Array, *, itself: bool = False) -> Array:
    """Cosine distance of each vector [texts, hidden] to the nearest of the others, float32 [texts].

    Args:
        vectors: of the texts.
        others: of those compared with; at least one, or two where they are the same.
        itself: the two are the same; a text is not its own neighbour.
    """
    a, b = unit(vectors), unit(others)
    found = np.empty(len(a), np.float32)
    for start in range(0, len(a), 1024):  # bounds memory at 1024 x others
        alike = a[start : start + 1024] @ b.T
        if itself:
            place = np.arange(len(alike))
            alike[place, start + place] = -2.0
        found[start : start + 1024] = 1 - alike.max(axis=1)
    return found


def openings(texts: Sequence[str]) -> Counter[str]:
    """How often texts begin with the same few words."""
    return Counter(" ".join(words(text)[:OPENING]) for text in texts)


def typical(texts: Sequence[str], count: int) -> list[str]:
    """The texts that say best what was said too often: one for each opening used again, then the least original.

    How original a text is: the mean share of the texts that hold each of its pairs of words.

    Args:
        texts: different texts of one label, in any order; the answer does not depend on it.
        count: how many are wanted, at most.
    """
    drawn = sorted(texts)
    chosen: list[str] = []
    for opening, times in sorted(openings(drawn).items(), key=lambda item: (-item[1], item[0])):
        if times > 1 and len(chosen) < count:
            chosen.append(next(text for text in drawn if " ".join(words(text)[:OPENING]) == opening))
    holders = Counter(gram for text in drawn for gram in set(_grams(words(text), 2)))

    def common(text: str) -> float:
        grams = set(_grams(words(text), 2))
        return sum(holders[gram] for gram in grams) / len(grams) if grams else 0.0

    rest = sorted((text for text in drawn if text not in chosen), key=lambda text: (-common(text), text))
    return chosen + rest[: count - len(chosen)]


def unit(vectors: Array) -> Array:
    """Vectors of length 1."""
    result: Array = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    return result


def _grams(found: Sequence[str], n: int) -> list[tuple[str, ...]]:
    if n == 2:
        return list(pairwise(found))
    return [tuple(found[start : start + n]) for start in range(len(found) - n + 1)]
