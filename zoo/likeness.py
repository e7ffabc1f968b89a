"""How like texts are by their words: TF-IDF with sublinear counts, cosine (Salton and Buckley 1988)."""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_WORD = re.compile(r"\w+")


class Likeness:
    """Texts that others are compared with; safe to use from several threads at once.

    Args:
        texts: one or more. Terms are their words, whatever their case, and pairs of words that follow each other.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        import numpy as np

        self._count = len(texts)
        counted = [_terms(text) for text in texts]
        held = Counter(term for terms in counted for term in terms)
        # A term that all texts hold still counts a little, as one more text held every term.
        self._rarity = {term: math.log((1 + len(texts)) / (1 + count)) + 1 for term, count in held.items()}
        places: dict[str, list[tuple[int, float]]] = defaultdict(list)
        for place, terms in enumerate(counted):
            weights = self._weights(terms)
            length = math.sqrt(sum(weight * weight for weight in weights.values())) or 1.0
            for term, weight in weights.items():
                places[term].append((place, weight / length))
        self._places = {
            term: (np.array([place for place, _ in some]), np.array([weight for _, weight in some], np.float32))
            for term, some in places.items()
        }

    def to(self, text: str) -> NDArray[np.float32]:
        """The cosine between a text and each of them, but for a factor that is the same for all: float32 [texts]."""
        import numpy as np

        found = np.zeros(self._count, np.float32)
        for term, weight in self._weights(_terms(text)).items():
            places, weights = self._places[term]
            found[places] += np.float32(weight) * weights
        return found

    def _weights(self, terms: Counter[str]) -> dict[str, float]:
        known = ((term, count) for term, count in terms.items() if term in self._rarity)
        return {term: (1 + math.log(count)) * self._rarity[term] for term, count in known}


def _terms(text: str) -> Counter[str]:
    words = _WORD.findall(text.casefold())
    return Counter([*words, *map(" ".join, pairwise(words))])
