"""How sure a figure is: bootstrap, paired bootstrap, Wilson's interval, McNemar's test. All intervals are 95 %."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from factory.evidence import fields, spans, words
from factory.evidence.metrics import Answer, Floats, accuracy, macro_f1

Metric = Literal[
    "accuracy", "macro_f1",
    "span_f1", "span_precision", "span_recall", "relaxed_f1", "relaxed_precision", "relaxed_recall",
    "field_f1", "field_precision", "field_recall", "exact_f1", "exact_precision", "exact_recall",
    "rouge_l", "rouge_1", "rouge_2",
]  # fmt: skip
"""Of labels, spans, records' fields, answers in words; `gold` is what factory.evidence.decision makes of it."""
OF_LABELS: tuple[Metric, ...] = ("accuracy", "macro_f1")
OF_SPANS: tuple[Metric, ...] = (
    "span_f1", "span_precision", "span_recall", "relaxed_f1", "relaxed_precision", "relaxed_recall"
)  # fmt: skip
OF_FIELDS: tuple[Metric, ...] = (
    "field_f1", "field_precision", "field_recall", "exact_f1", "exact_precision", "exact_recall"
)  # fmt: skip
OF_WORDS: tuple[Metric, ...] = ("rouge_l", "rouge_1", "rouge_2")
RESAMPLES, SEED = 2000, 13
BOOTSTRAP = f"bootstrap, {RESAMPLES} resamples, seed {SEED}"
PAIRED = f"paired {BOOTSTRAP}"
WILSON = "Wilson score interval"

_Z = 1.959963984540054  # the 97.5th percentile of the normal distribution
_CELLS = 4_000_000  # resamples x rows held at once


@dataclass(frozen=True)
class Interval:
    """A figure and its 95 % interval, which holds it."""

    value: float
    low: float
    high: float


def value_of(metric: Metric, gold: Sequence[Any], predicted: Sequence[Any]) -> float:
    """A metric by its name."""
    if metric in OF_WORDS:
        return float(words.by_row(metric, gold, predicted).mean())
    if metric in OF_SPANS + OF_FIELDS:
        return float(_figure(metric, spans.total(_by_row(metric, gold, predicted))))
    return accuracy(gold, predicted) if metric == "accuracy" else macro_f1(gold, predicted)


def bootstrap(metric: Metric, gold: Sequence[Any], predicted: Sequence[Any]) -> Interval:
    """A metric with its percentile bootstrap interval over rows (Efron 1979), 2,000 resamples, seed 13.

    Macro-F1 on a resample is over the labels the resample has gold rows of. Where resampling is biased (many labels,
    few rows) the interval is widened to hold the figure itself.
    """
    return _interval(value_of(metric, gold, predicted), _resampled(metric, gold, [predicted])[0])


def paired(metric: Metric, gold: Sequence[Any], a: Sequence[Any], b: Sequence[Any]) -> Interval:
    """The difference of a metric, a - b, on the same rows: both are computed on each resample of rows.

    Exactly 0 with the interval [0, 0] for the same answers; the sign flips where a and b are exchanged.
    """
    first, second = _resampled(metric, gold, [a, b])
    return _interval(value_of(metric, gold, a) - value_of(metric, gold, b), first - second)


def wilson(successes: int, n: int, z: float = _Z, *, effect: float = 1.0) -> Interval:
    """A share with its score interval (Wilson 1927): honest near 0 and 1, where a bootstrap's is a point.

    Args:
        successes: of n.
        n: how many there are, at least 1.
        z: percentile of the normal distribution.
        effect: how many of them show as much as one drawn by itself (factory.evidence.clusters.design_effect).
    """
    if not 0 <= successes <= n or n < 1:
        raise ValueError("successes must be between 0 and n, n at least 1")
    share = successes / n
    worth = n / effect
    centre = (share + z * z / (2 * worth)) / (1 + z * z / worth)
    half = z / (1 + z * z / worth) * float(np.sqrt(share * (1 - share) / worth + z * z / (4 * worth * worth)))
    return Interval(share, max(0.0, min(share, centre - half)), min(1.0, max(share, centre + half)))


def mean(values: Sequence[float]) -> Interval:
    """A mean with its percentile bootstrap interval, as `bootstrap`."""
    rows = np.asarray(values, np.float64)
    drawn = np.random.default_rng(SEED).integers(0, len(rows), (RESAMPLES, len(rows)))
    return _interval(float(rows.mean()), rows[drawn].mean(axis=1))


def mcnemar(gold: Sequence[str], a: Sequence[Answer], b: Sequence[Answer]) -> float:
    """McNemar's exact two-sided p: how likely so uneven a split of the rows only one of two got right is by chance."""
    from scipy.stats import binomtest

    only_a = sum(x == g != y for g, x, y in zip(gold, a, b, strict=True))
    only_b = sum(y == g != x for g, x, y in zip(gold, a, b, strict=True))
    return float(binomtest(only_a, only_a + only_b).pvalue) if only_a + only_b else 1.0


def _interval(value: float, resampled: Floats) -> Interval:
    low, high = np.quantile(resampled, [0.025, 0.975])
    return Interval(value, min(value, float(low)), max(value, float(high)))


def _resampled(metric: Metric, gold: Sequence[Any], systems: Sequence[Sequence[Any]]) -> list[Floats]:
    """The metric of every system on every resample of rows; the same resamples for all, [resamples] each."""
    if metric in OF_LABELS:
        return _Counts(gold, systems).resampled(metric)
    if metric in OF_WORDS:
        rows = [words.by_row(metric, gold, answers) for answers in systems]
        drawn = [weights @ np.array(rows).T / len(gold) for weights in _weights(len(gold))]
        return list(np.concatenate(drawn).T)
    counts = [_by_row(metric, gold, answers) for answers in systems]
    found: list[list[Floats]] = [[] for _ in systems]
    for weights in _weights(len(gold)):
        for values, one in zip(found, counts, strict=True):
            values.append(_figure(metric, spans.Counts(*(weights @ part for part in one))))
    return [np.concatenate(values) for values in found]


def _by_row(metric: Metric, gold: Sequence[Any], predicted: Sequence[Any]) -> spans.Counts:
    if metric in OF_FIELDS:
        return fields.by_row(gold, predicted, exact=metric.startswith("exact"))
    return spans.by_row(gold, predicted, relaxed=metric.startswith("relaxed"))


def _figure(metric: Metric, counts: spans.Counts) -> Floats:
    figures = {"f1": counts.f1, "precision": counts.precision, "recall": counts.recall}
    return figures[metric.partition("_")[2]]()


def _weights(n: int) -> Iterator[Floats]:
    """How often each of n rows was drawn, [resamples, rows], some resamples at a time."""
    rng = np.random.default_rng(SEED)
    step = max(1, min(RESAMPLES, _CELLS // n))
    for start in range(0, RESAMPLES, step):
        size = min(step, RESAMPLES - start)
        drawn: Any = rng.integers(0, n, (size, n)) + np.arange(size)[:, None] * n
        yield np.bincount(drawn.ravel(), minlength=size * n).reshape(size, n).astype(np.float64)


class _Counts:
    """Rows as indicator matrices, so that a resample's figures are one matrix product away.

    A resample is a vector of how often each row was drawn; times the indicators [rows, labels] of gold, predicted and
    right it gives what F1 needs.
    """

    def __init__(self, gold: Sequence[str], systems: Sequence[Sequence[Answer]]) -> None:
        if not gold or any(len(one) != len(gold) for one in systems):
            raise ValueError("gold labels and answers must be as many, at least 1")
        self.n = len(gold)
        index = {label: number for number, label in enumerate(sorted(set(gold)))}
        self.gold = self._indicator([index[label] for label in gold], len(index))
        self.systems: list[tuple[Floats, Floats, Floats]] = []
        for answers in systems:
            # A label that no gold row has is like no answer: wrong, and nobody's precision.
            said = self._indicator([-1 if one is None else index.get(one, -1) for one in answers], len(index))
            right = np.array([a == g for a, g in zip(answers, gold, strict=True)], dtype=np.float64)
            self.systems.append((right, said, self.gold * right[:, None]))

    def resampled(self, metric: Metric) -> list[Floats]:
        """The metric of every system on every resample; the same resamples for all, [resamples] each."""
        found: list[list[Floats]] = [[] for _ in self.systems]
        for weights in _weights(self.n):
            support = weights @ self.gold if metric == "macro_f1" else None
            for values, (right, said, hits) in zip(found, self.systems, strict=True):
                if support is None:
                    values.append(weights @ right / self.n)
                    continue
                f1 = 2.0 * (weights @ hits) / np.maximum(support + weights @ said, 1.0)
                there = support > 0
                values.append((f1 * there).sum(axis=1) / there.sum(axis=1))
        return [np.concatenate(values) for values in found]

    def _indicator(self, columns: Sequence[int], width: int) -> Floats:
        matrix = np.zeros((len(columns), width))
        known = np.flatnonzero(np.asarray(columns) >= 0)
        matrix[known, np.asarray(columns)[known]] = 1.0
        return matrix
