"""Figures of a classifier, from gold labels and answers. An answer of None (no usable reply) is a wrong answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Answer = str | None


@dataclass(frozen=True)
class PerClass:
    """One label's figures; a precision, recall or F1 that is undefined is 0."""

    label: str
    precision: float
    recall: float
    f1: float
    support: int
    predicted: int


def accuracy(gold: Sequence[str], predicted: Sequence[Answer]) -> float:
    """Share of rows answered rightly."""
    return float(np.mean([a == b for a, b in _pairs(gold, predicted)]))


def macro_f1(gold: Sequence[str], predicted: Sequence[Answer]) -> float:
    """Mean F1 of the labels that have gold rows, each counting the same.

    An answer with a label that no gold row has costs recall where it was given and adds no label to the mean:
    scikit-learn's f1_score(average="macro", labels=sorted(set(gold))).
    """
    return float(np.mean([one.f1 for one in per_class(gold, predicted)]))


def micro_f1(gold: Sequence[str], predicted: Sequence[Answer]) -> float:
    """F1 over all rows: accuracy where every row was answered, above it where rows were left unanswered."""
    pairs = _pairs(gold, predicted)
    answered = sum(b is not None for _, b in pairs)
    return 2.0 * sum(a == b for a, b in pairs) / (len(pairs) + answered)


def per_class(gold: Sequence[str], predicted: Sequence[Answer]) -> list[PerClass]:
    """Figures of every label that has gold rows, by name."""
    pairs = _pairs(gold, predicted)
    support, said = Counter(gold), Counter(predicted)
    right = Counter(a for a, b in pairs if a == b)

    def figures(label: str) -> PerClass:
        hit = right[label]
        return PerClass(
            label=label,
            precision=hit / said[label] if said[label] else 0.0,
            recall=hit / support[label],
            f1=2.0 * hit / (support[label] + said[label]),
            support=support[label],
            predicted=said[label],
        )

    return [figures(label) for label in sorted(support)]


def confusions(gold: Sequence[str], predicted: Sequence[Answer]) -> list[tuple[str, Answer, int]]:
    """(gold label, what was answered, how often) of every kind of mistake, most frequent first, then by name."""
    wrong = Counter((a, b) for a, b in _pairs(gold, predicted) if a != b)
    ranked = sorted(wrong.items(), key=lambda item: (-item[1], item[0][0], item[0][1] or ""))
    return [(a, b, count) for (a, b), count in ranked]


def calibration_error(confidence: Any, correct: Any, bins: int = 15) -> float:
    """Expected calibration error over bins of equal mass: mean |accuracy - confidence|, weighted by rows.

    Naeini, Cooper, Hauskrecht 2015; Guo et al. 2017 (15 bins). Rows of the same confidence share their accuracy, so
    that the figure does not depend on the order of rows.

    Args:
        confidence: probability of the answer given, [n].
        correct: whether it was right, [n].
        bins: fewer are used where there are fewer rows.
    """
    found = reliability(confidence, correct, bins)
    return sum(abs(one.confidence - one.right) * one.count for one in found) / sum(one.count for one in found)


@dataclass(frozen=True)
class Bin:
    """Of `count` rows of like confidence, on average `confidence`, a share of `right` is right."""

    count: int
    confidence: float
    right: float


def reliability(confidence: Any, correct: Any, bins: int = 15) -> list[Bin]:
    """The bins of `calibration_error`, the surest first: what a reliability diagram shows (DeGroot, Fienberg 1983)."""
    sure, right = _by_confidence(confidence, correct)
    parts = min(bins, len(sure))
    pairs = zip(np.array_split(sure, parts), np.array_split(right, parts), strict=True)
    return [Bin(len(a), float(a.mean()), float(b.mean())) for a, b in pairs]


def brier(scores: Any, gold: Any) -> float:
    """Brier score of several classes (Brier 1950): mean squared distance to the truth, 0 (best) to 2.

    Args:
        scores: probabilities, [n, labels].
        gold: index of the right label, [n].
    """
    values: Floats = np.array(scores, dtype=np.float64)
    values[np.arange(len(values)), np.asarray(gold)] -= 1.0
    return float((values**2).sum(axis=1).mean())


@dataclass(frozen=True)
class SelectiveRisk:
    """Of the `accepted` surest rows, the least sure at `threshold`, a share of `risk` is wrong."""

    coverage: float
    accepted: int
    threshold: float
    risk: float


COVERAGES = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1)


def risk_at(confidence: Any, correct: Any, coverages: Sequence[float] = COVERAGES) -> list[SelectiveRisk]:
    """Error rate of the surest rows, at several shares of rows answered.

    Where the last accepted rows tie with rejected ones, the tie's mean error stands for each: what a fair draw among
    them gives on average.
    """
    sure, right = _by_confidence(confidence, correct)
    wrong = np.cumsum(1.0 - right)
    counts = [max(1, int(np.ceil(coverage * len(sure) - 1e-9))) for coverage in coverages]
    return [
        SelectiveRisk(coverage, count, float(sure[count - 1]), float(max(0.0, wrong[count - 1]) / count))
        for coverage, count in zip(coverages, counts, strict=True)
    ]


def aurc(confidence: Any, correct: Any) -> float:
    """Area under the risk-coverage curve (Geifman, El-Yaniv 2017): mean risk over every number of rows accepted."""
    _, right = _by_confidence(confidence, correct)
    return float((np.cumsum(1.0 - right) / np.arange(1, len(right) + 1)).mean())


def _by_confidence(confidence: Any, correct: Any) -> tuple[Floats, Floats]:
    """Confidence and correctness, surest first, ties sharing their mean correctness."""
    sure: Floats = np.asarray(confidence, dtype=np.float64)
    right: Floats = np.asarray(correct, dtype=np.float64)
    if sure.shape != right.shape or sure.ndim != 1 or not len(sure):
        raise ValueError("confidence and correct must be two lists of the same length, at least 1")
    values, group = np.unique(-sure, return_inverse=True)
    mean = np.bincount(group, weights=right, minlength=len(values)) / np.bincount(group, minlength=len(values))
    order = np.argsort(group, kind="stable")
    return sure[order], mean[group][order]


def _pairs(gold: Sequence[str], predicted: Sequence[Answer]) -> list[tuple[str, Answer]]:
    if not gold:
        raise ValueError("no rows to measure on")
    return list(zip(gold, predicted, strict=True))
