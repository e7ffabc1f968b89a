"""Opponents of a student that marks spans: what a list of words does, and what features of words do."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from factory.row import Row
from factory.span import Span, Spans, plain
from factory.students.tagger import tags_of
from zoo import decoding

_WORD = re.compile(r"\w+|[^\w\s]")
Places = list[tuple[int, int]]


def words(text: str) -> Places:
    """(start, end) of every word and mark; scripts without spaces between words are not cut."""
    return [found.span() for found in _WORD.finditer(text)]


class Lexicon:
    """Marks the words that were marked in training rows: the longest match first, as the type they had most often.

    Case does not count. Rows count their weight.
    """

    def __init__(self, rows: Sequence[Row]) -> None:
        given: dict[tuple[str, ...], dict[str, float]] = defaultdict(lambda: defaultdict(float))
        for row in rows:
            for span in row.spans or ():
                said = row.text[span.start : span.end]
                given[tuple(said[start:end].casefold() for start, end in words(said))][span.label] += row.weight
        self._known = {key: max(sorted(types), key=types.__getitem__) for key, types in given.items()}
        self._longest = max(map(len, self._known), default=0)

    def predict(self, texts: Sequence[str]) -> list[Spans]:
        """The spans of each text."""
        return [tuple(self._spans(text)) for text in texts]

    def _spans(self, text: str) -> Iterator[Span]:
        places, at = words(text), 0
        said = [text[start:end].casefold() for start, end in places]
        while at < len(said):
            sizes = range(min(self._longest, len(said) - at), 0, -1)
            size = next((size for size in sizes if tuple(said[at : at + size]) in self._known), 0)
            if size:
                label = self._known[tuple(said[at : at + size])]
                yield Span(start=places[at][0], end=places[at + size - 1][1], label=label)
            at += size or 1


class WordFeatures:
    """Logistic regression (scikit-learn) that tags words by themselves, their shape, their ends and their neighbours.

    What TF-IDF is to a classifier: the same rows and weights, no pre-training. Tags are decoded as the student's are.
    Where all words have one tag it always gives that.
    """

    def __init__(self, rows: Sequence[Row], labels: Sequence[str], penalty: float = 1.0) -> None:
        from sklearn.dummy import DummyClassifier
        from sklearn.feature_extraction import FeatureHasher
        from sklearn.linear_model import LogisticRegression

        self._labels = labels
        self._hasher = FeatureHasher(2**18, input_type="string", alternate_sign=False)
        features: list[list[str]] = []
        tags: list[int] = []
        weights: list[float] = []
        for row in rows:
            places = words(row.text)
            features += _features(row.text, places)
            tags += tags_of(places, row.spans or (), labels).tolist()
            weights += [row.weight] * len(places)
        one = len(set(tags)) == 1
        self._model: Any = DummyClassifier() if one else LogisticRegression(C=penalty, max_iter=300)
        self._model.fit(self._hasher.transform(features), tags, sample_weight=np.array(weights))

    def predict(self, texts: Sequence[str]) -> tuple[list[Spans], list[list[float]]]:
        """The spans of each text, and their scores."""
        found = [self._spans(text) for text in texts]
        return [plain(some) for some in found], [[one.score for one in some] for some in found]

    def _spans(self, text: str) -> list[decoding.Found]:
        places = words(text)
        if not places:
            return []
        p = np.zeros((len(places), len(decoding.tags(self._labels))))
        p[:, self._model.classes_] = self._model.predict_proba(self._hasher.transform(_features(text, places)))
        return decoding.spans(text, places, p, self._labels)


def _features(text: str, places: Places) -> list[list[str]]:
    said = [text[start:end] for start, end in places]
    low = ["<s>", "<s>", *(word.casefold() for word in said), "</s>", "</s>"]
    shapes = ["", *map(_shape, said), ""]
    found = []
    for place, word in enumerate(said):
        around = low[place : place + 5]
        ends = [f"{side}{word.casefold()[cut]}" for side, cuts in _ENDS.items() for cut in cuts]
        found.append(
            [
                *(f"{offset}:{other}" for offset, other in enumerate(around)),
                f"before+:{around[1]} {around[2]}",
                f"after+:{around[2]} {around[3]}",
                *(f"shape{offset}:{shape}" for offset, shape in enumerate(shapes[place : place + 3])),
                *ends,
            ]
        )
    return found


_ENDS = {
    "begins:": [slice(0, size) for size in (2, 3, 4)],
    "ends:": [slice(-size, None) for size in (2, 3, 4, 5)],
}


def _shape(word: str) -> str:
    """`Xx9-` of `Vitamin12-`: kinds of characters, each run once."""
    kinds = ("X" if c.isupper() else "x" if c.islower() else "9" if c.isdigit() else c for c in word)
    return re.sub(r"(.)\1+", r"\1", "".join(kinds))
