"""Opponents: what a student must beat to be worth its weight."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from factory.row import Row


class Majority:
    """Always the label with the most weight among the training rows."""

    def __init__(self, rows: Sequence[Row], labels: Sequence[str]) -> None:
        weights: Counter[str] = Counter()
        for row in rows:
            weights[row.label] += row.weight  # type: ignore[assignment]  # Counter of floats
        self.label = max(labels, key=lambda label: weights[label])

    def predict(self, texts: Sequence[str]) -> list[str]:
        """The same label for every text."""
        return [self.label] * len(texts)


class Presence:
    """Whether a text has something, by TF-IDF of words and word pairs with logistic regression, from rows so weighted.

    Where all rows have it, or none has, it always says so; without rows, that it is not there.
    """

    def __init__(self, texts: Sequence[str], there: Sequence[bool], weights: Sequence[float]) -> None:
        self._always = bool(there) and all(there)
        self._model: Any = None
        if any(there) and not all(there):
            self._model = _regression(10.0)
            self._model.fit(list(texts), list(there), logisticregression__sample_weight=np.array(weights))

    def predict(self, texts: Sequence[str]) -> list[bool]:
        """Of each text."""
        if self._model is None:
            return [self._always] * len(texts)
        return [bool(one) for one in self._model.predict(list(texts))]


class Tfidf:
    """TF-IDF of words and word pairs with logistic regression (scikit-learn), on the same rows and weights.

    A soft label counts as one copy of the row for each label it gives more than 1 %, weighted by that probability,
    so the baseline is told exactly what the student is told. Where all rows have one label it always says that label.
    """

    def __init__(self, rows: Sequence[Row], penalty: float = 10.0) -> None:
        from sklearn.dummy import DummyClassifier

        texts: list[str] = []
        labels: list[str] = []
        weights: list[float] = []
        for row in rows:
            for label, probability in row.distribution().items():
                if probability > 0.01:
                    texts.append(row.text)
                    labels.append(label)
                    weights.append(row.weight * probability)
        if len(set(labels)) == 1:  # nothing to tell apart, which logistic regression refuses
            self._model: Any = DummyClassifier(strategy="most_frequent").fit(texts, labels)
            return
        self._model = _regression(penalty)
        self._model.fit(texts, labels, logisticregression__sample_weight=np.array(weights))

    def predict(self, texts: Sequence[str]) -> list[str]:
        """The likeliest label of each text."""
        return [str(label) for label in self._model.predict(list(texts))]

    def predict_proba(self, texts: Sequence[str], labels: Sequence[str]) -> NDArray[np.float64]:
        """Probabilities [texts, labels]; labels never seen in training get 0."""
        known = [str(label) for label in self._model.classes_]
        found = np.zeros((len(texts), len(labels)))
        found[:, [list(labels).index(label) for label in known]] = self._model.predict_proba(list(texts))
        return found


def _regression(penalty: float) -> Any:
    """TF-IDF of words and word pairs, then logistic regression."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    return make_pipeline(
        TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True), LogisticRegression(C=penalty, max_iter=2000)
    )
