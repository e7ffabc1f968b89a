"""Does a row give away the examination? Every row, real or written, is compared with every gold text.

The comparison is complete, not estimated, because one gold row missed by a sketch is one gold row trained on.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from factory.hygiene.check import Context
from factory.hygiene.gold_index import GoldIndex, Nearest
from factory.row import Row, Verdict
from factory.words import fold, words

NAME = "contamination"
CONTAINED_WORDS = 5
"""A shorter text may stand inside another by chance."""

_CHUNK = 1000  # rows looked up at once


def check(rows: Sequence[Row], context: Context) -> list[Verdict]:
    """Drop rows equal to, contained in, containing or too like a gold text; the score is the highest Jaccard overlap.

    Too like: Jaccard similarity of shingles from `hygiene.contamination` up. Contained: all the words of the shorter
    text, at least CONTAINED_WORDS, stand side by side in the longer.
    """
    if not context.gold:
        return [Verdict(check=NAME, passed=True, reason="not asked: no gold rows") for _ in rows]
    examination = _examination(tuple(gold.text for gold in context.gold))
    threshold = context.spec.hygiene.contamination
    found = [
        verdict
        for start in range(0, len(rows), _CHUNK)
        for verdict in examination.verdicts([row.text for row in rows[start : start + _CHUNK]], threshold)
    ]
    return [
        Verdict(check=NAME, passed=not kind, score=score, reason=f"{kind}: {context.gold[which].id}" if kind else "")
        for kind, score, which in found
    ]


class _Examination:
    """The gold texts, and what is near them."""

    def __init__(self, texts: Sequence[str]) -> None:
        self.folded = {fold(text): number for number, text in reversed(list(enumerate(texts)))}
        self.words = [words(text) for text in texts]
        self.index = GoldIndex(texts, [len(one) >= CONTAINED_WORDS for one in self.words])

    def verdicts(self, texts: Sequence[str], threshold: float) -> list[tuple[str, float, int]]:
        """(what is wrong or "", highest similarity, number of the gold text) a text."""
        found = self.index.nearest(texts)
        return [self._verdict(text, one, threshold) for text, one in zip(texts, found, strict=True)]

    def _verdict(self, text: str, nearest: Nearest, threshold: float) -> tuple[str, float, int]:
        if (same := self.folded.get(fold(text))) is not None:
            return "is a gold text", 1.0, same
        score = nearest.similarity
        if score >= threshold:
            return "like a gold text", score, nearest.which
        own = words(text) if nearest.inside else []
        for which in nearest.inside:
            if _within(own, self.words[which]):
                return "stands in a gold text", score, which
            if _within(self.words[which], own):
                return "holds a gold text", score, which
        return "", score, nearest.which


@lru_cache(maxsize=2)  # a file of rows is checked block by block, against the same gold
def _examination(texts: tuple[str, ...]) -> _Examination:
    return _Examination(texts)


def _within(short: list[str], long: list[str]) -> bool:
    """Whether all of `short` stands in `long`, side by side, and is long enough to tell."""
    return len(short) >= CONTAINED_WORDS and f" {' '.join(short)} " in f" {' '.join(long)} "
