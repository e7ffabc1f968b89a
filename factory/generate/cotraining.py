"""A member of the committee that reads words and nothing else, taught by the others.

Encoders see what a text is about, TF-IDF which words it uses. Two such views err on different rows, so each can learn
from labels that the other has given (co-training; Blum & Mitchell 1998), and the two pooled know more than either.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from factory.generate.committee import FEWEST, Array

HALVES, FOLDS = 2, 5
LEAST = 0.02
"""Labels given less than this teach nothing; they would make every row a row of every label."""
FLOOR = 1e-3
"""The least probability it gives: a label its teachers never gave is not impossible."""
PENALTY = 10.0  # scikit-learn's C


def words(texts: Sequence[str], known: Mapping[int, int], taught: Callable[[Mapping[int, int]], Array]) -> Array:
    """Votes by logistic regression on TF-IDF of words and word pairs, trained on what the others say of other rows.

    Nobody votes on a row he was taught with, and on a row that people labelled nobody whose teachers had seen that
    label: else its weight in the committee would be fitted to what it had been told.

    Args:
        texts: of all rows.
        known: row number to label number, where people labelled.
        taught: the other members' probabilities [rows, labels], given what people labelled.

    Returns:
        log-probabilities float32 [rows, labels]; zeros, no opinion, where people labelled too few rows to weigh it.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer

    lessons = taught(known)
    votes = np.zeros(lessons.shape, np.float32)
    if len(known) < FEWEST:
        return votes
    features = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True).fit_transform(texts)
    others = [row for row in range(len(texts)) if row not in known]
    for half in range(HALVES):
        held = others[half::HALVES]
        votes[held] = _learn(features, lessons, known, held)
    people = sorted(known)
    for fold in range(FOLDS):
        held = people[fold::FOLDS]
        rest = {row: known[row] for row in people if row not in set(held)}
        votes[held] = _learn(features, taught(rest), rest, held)
    return votes


def _learn(features: Any, lessons: Array, known: Mapping[int, int], held: Sequence[int]) -> Array:
    """Log-probabilities [held, labels] by a model trained on all other rows; a soft label counts once a label."""
    from sklearn.linear_model import LogisticRegression

    labels = lessons.shape[1]
    if not held:
        return np.zeros((0, labels), np.float32)
    told = np.where(lessons >= LEAST, lessons, 0.0)
    for row, label in known.items():
        told[row] = np.eye(labels)[label]
    told[list(held)] = 0.0
    rows, targets = np.nonzero(told)
    found = np.full((len(held), labels), FLOOR)
    if len(set(targets)) > 1:
        model = LogisticRegression(C=PENALTY, max_iter=200)
        model.fit(features[rows], targets, sample_weight=told[rows, targets])
        found[:, model.classes_] = np.maximum(model.predict_proba(features[list(held)]), FLOOR)
    result: Array = np.log(found / found.sum(axis=1, keepdims=True)).astype(np.float32)
    return result
