"""Real texts in an order in which those most like people's rows come first, whatever these hold."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from factory.generate.seed import Passage
from factory.row import Row
from factory.strata import NONE
from factory.words import fold


def like(rows: Sequence[Row], passages: Sequence[Passage]) -> list[Passage]:
    """All of the passages: by turns, for each stratum that people's rows have, the one most like any row of it.

    Of texts that hold little, most hold nothing: a sample of them teaches a student to find nothing. Rows that hold
    nothing attract none. Likeness is TF-IDF's, of words and word pairs, cosine. Without rows, or without passages,
    nothing moves.

    Args:
        rows: people's.
        passages: real texts, in a reproducible order, which decides between equals.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer

    holding = [row for row in rows if row.stratum != NONE]
    if not holding or not passages:
        return list(passages)
    vectors = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True).fit([one.text for one in passages])
    texts = vectors.transform([one.text for one in passages])
    turns = []
    for stratum in sorted({row.stratum for row in holding}):
        known = vectors.transform([row.text for row in holding if row.stratum == stratum])
        likeness = np.asarray((texts @ known.T).max(axis=1).todense()).ravel()
        turns.append(np.argsort(-likeness, kind="stable"))
    order = dict.fromkeys(int(place) for places in zip(*turns, strict=True) for place in places)
    return [passages[place] for place in order]


def unknown(passages: Sequence[Passage], known: Iterable[str]) -> list[Passage]:
    """The passages without those that are known texts, whatever their case and white space.

    What is most like people's rows are these rows themselves, where they were drawn from the same texts; cleaning would
    drop them, and a budget be spent on nothing.
    """
    folded = {fold(text) for text in known}
    return [one for one in passages if fold(one.text) not in folded]
