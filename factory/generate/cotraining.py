"""Members of the committee that are taught by the others, each through a view of its own.

Encoders see what a text is about, TF-IDF which words it uses. Such views err on different rows, so each can learn from
labels that the others have given (co-training; Blum & Mitchell 1998), and pooled they know more than any.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np

from factory.generate.committee import FEWEST, Array, unit_length
from factory.students import probe

HALVES, FOLDS = 2, 5
LEAST = 0.02
"""Labels given less than this teach nothing; they would make every row a row of every label."""
FLOOR = 1e-3
"""The least probability a member gives: a label its teachers never gave is not impossible."""
INVERSE_PENALTY = 10.0
"""Of the words' weights: scikit-learn's C."""
PENALTY = 3e-3
"""Of the weights on a reader's vectors."""

Lesson = Callable[[Array, Sequence[int]], Array]
"""Learns from soft labels [rows, labels], of which rows of zeros teach nothing; gives probabilities of the rows named,
[n, labels], zero for labels that nobody taught."""


def vote(lesson: Lesson, known: Mapping[int, int], taught: Callable[[Mapping[int, int]], Array]) -> Array:
    """Votes by a member that learns from what the others say of other rows.

    Nobody votes on a row he was taught with, and on a row that people labelled nobody whose teachers had seen that
    label: else its weight in the committee would be fitted to what it had been told.

    Args:
        lesson: how it learns: `words` or `reading`.
        known: row number to label number, where people labelled.
        taught: the other members' probabilities [rows, labels], given what people labelled.

    Returns:
        log-probabilities float32 [rows, labels]; zeros, no opinion, where people labelled too few rows to weigh it.
    """
    given = taught(known)
    votes = np.zeros(given.shape, np.float32)
    if len(known) < FEWEST:
        return votes
    others = [row for row in range(len(given)) if row not in known]
    for half in range(HALVES):
        held = others[half::HALVES]
        votes[held] = _learn(lesson, given, known, held)
    people = sorted(known)
    for fold in range(FOLDS):
        held = people[fold::FOLDS]
        rest = {row: known[row] for row in people if row not in set(held)}
        votes[held] = _learn(lesson, taught(rest), rest, held)
    return votes


def words(texts: Sequence[str]) -> Lesson:
    """Logistic regression on TF-IDF of words and word pairs; a soft label counts once a label."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    @cache
    def features() -> Any:
        return TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True).fit_transform(texts)

    def learn(told: Array, asked: Sequence[int]) -> Array:
        rows, targets = np.nonzero(told)
        found = np.zeros((len(asked), told.shape[1]), np.float32)
        if len(set(targets)) > 1:
            model = LogisticRegression(C=INVERSE_PENALTY, max_iter=200)
            model.fit(features()[rows], targets, sample_weight=told[rows, targets])
            found[:, model.classes_] = model.predict_proba(features()[list(asked)])
        return found

    return learn


def reading(vectors: Array) -> Lesson:
    """A linear probe on an encoder's vectors [rows, hidden]."""
    scaled = 10 * unit_length(vectors)

    def learn(told: Array, asked: Sequence[int]) -> Array:
        weight = told.sum(axis=1)
        rows = np.flatnonzero(weight)
        known = told.any(axis=0)
        found = np.zeros((len(asked), told.shape[1]), np.float32)
        if known.sum() > 1:
            targets = told[np.ix_(rows, known)] / weight[rows, None]
            matrix, bias = probe.fit(scaled[rows], targets, weight[rows], penalty=PENALTY)
            scores = scaled[list(asked)] @ matrix.T + bias
            exponent = np.exp(scores - scores.max(axis=1, keepdims=True))
            found[:, known] = exponent / exponent.sum(axis=1, keepdims=True)
        return found

    return learn


def _learn(lesson: Lesson, given: Array, known: Mapping[int, int], held: Sequence[int]) -> Array:
    """Log-probabilities [held, labels] by a model taught with all other rows; people's labels go before the others'."""
    if not held:
        return np.zeros((0, given.shape[1]), np.float32)
    told = np.where(given >= LEAST, given, 0.0).astype(np.float32)
    for row, label in known.items():
        told[row] = np.eye(given.shape[1])[label]
    told[list(held)] = 0.0
    found = np.maximum(lesson(told, held), FLOOR)
    result: Array = np.log(found / found.sum(axis=1, keepdims=True)).astype(np.float32)
    return result
