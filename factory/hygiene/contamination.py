"""Does a row give away the examination? Every row, real or written, is compared with every gold text.

The comparison is complete, not estimated: shared shingles are counted by one sparse matrix product, because one gold
row missed by a sketch is one gold row trained on.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from factory.hygiene.check import Context
from factory.hygiene.words import fold, shingles, words
from factory.row import Row, Verdict

NAME = "contamination"
CONTAINED_WORDS = 5
"""A shorter text may stand inside another by chance."""

_CHUNK = 2000  # rows compared at once: bounds memory at _CHUNK x gold rows


def check(rows: Sequence[Row], context: Context) -> list[Verdict]:
    """Drop rows equal to, contained in, containing or too like a gold text; the score is the highest Jaccard overlap.

    Too like: Jaccard similarity of shingles from `hygiene.contamination` up. Contained: all the words of the shorter
    text, at least CONTAINED_WORDS, stand side by side in the longer.
    """
    if not context.gold:
        return [Verdict(check=NAME, passed=True, reason="not asked: no gold rows") for _ in rows]
    examination = _Examination([gold.text for gold in context.gold], context.spec.hygiene.contamination)
    found = [
        verdict
        for start in range(0, len(rows), _CHUNK)
        for verdict in examination.verdicts([row.text for row in rows[start : start + _CHUNK]])
    ]
    return [
        Verdict(check=NAME, passed=not kind, score=score, reason=f"{kind}: {context.gold[which].id}" if kind else "")
        for kind, score, which in found
    ]


class _Examination:
    """The gold texts, indexed by shingle."""

    def __init__(self, texts: Sequence[str], threshold: float) -> None:
        self.threshold = threshold
        self.folded = {fold(text): number for number, text in reversed(list(enumerate(texts)))}
        self.words = [words(text) for text in texts]
        sets = [shingles(text) for text in texts]
        self.sizes = np.array([len(one) for one in sets])
        self.vocabulary = {shingle: number for number, shingle in enumerate(sorted(set().union(*sets)))}
        self.matrix = self._matrix(sets).T.tocsr()

    def _matrix(self, sets: Iterable[Iterable[str]]) -> Any:
        """Texts x known shingles, 1 where the text has the shingle."""
        from scipy.sparse import csr_array

        columns, ends = [], [0]
        for one in sets:
            columns += [self.vocabulary[shingle] for shingle in one if shingle in self.vocabulary]
            ends.append(len(columns))
        shape = (len(ends) - 1, len(self.vocabulary))
        return csr_array((np.ones(len(columns), dtype=np.int32), columns, ends), shape=shape)

    def verdicts(self, texts: Sequence[str]) -> list[tuple[str, float, int]]:
        """(what is wrong or "", highest similarity, number of the gold text) a text."""
        sets = [shingles(text) for text in texts]
        shared = (self._matrix(sets) @ self.matrix).toarray()
        own = np.array([len(one) for one in sets])
        similar = shared / (own[:, None] + self.sizes[None, :] - shared)
        # Only where every shingle of one is in the other can one stand inside the other.
        inside = (shared == self.sizes[None, :]) | (shared == own[:, None])
        return [
            self._verdict(text, similar[number], np.flatnonzero(inside[number])) for number, text in enumerate(texts)
        ]

    def _verdict(self, text: str, similar: Any, candidates: Any) -> tuple[str, float, int]:
        nearest = int(similar.argmax())
        score = float(similar[nearest])
        if (same := self.folded.get(fold(text))) is not None:
            return "is a gold text", 1.0, same
        if score >= self.threshold:
            return "like a gold text", score, nearest
        own = words(text)
        for which in candidates:
            if _within(own, self.words[which]):
                return "stands in a gold text", score, int(which)
            if _within(self.words[which], own):
                return "holds a gold text", score, int(which)
        return "", score, nearest


def _within(short: list[str], long: list[str]) -> bool:
    """Whether all of `short` stands in `long`, side by side, and is long enough to tell."""
    return len(short) >= CONTAINED_WORDS and f" {' '.join(short)} " in f" {' '.join(long)} "
