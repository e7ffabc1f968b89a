"""What all records of one system have in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from factory.evidence import metrics
from factory.evidence.circumstances import Circumstances
from factory.evidence.clusters import correlation, design_effect
from factory.evidence.intervals import BOOTSTRAP, WILSON, Interval, Metric, bootstrap, wilson
from factory.evidence.predictions import Predictions
from factory.evidence.records import Coverage, Record, Reliability


class Saying:
    """Makes a system's records.

    Attributes:
        common: the keys that all of them share.
    """

    def __init__(self, predictions: Predictions, circumstances: Circumstances) -> None:
        self.common: dict[str, Any] = {
            "who": predictions.who,
            "what": predictions.what,
            "rows": predictions.rows,
            "n": len(predictions.items),
            "sample": predictions.sample,
            **vars(circumstances),
        }

    def record(self, metric: str, value: float, interval: Interval | None = None, method: str = "") -> Record:
        """One figure."""
        low, high = (interval.low, interval.high) if interval else (None, None)
        return Record(**self.common, metric=metric, value=value, low=low, high=high, method=method)

    def figures(self, names: Sequence[Metric], predictions: Predictions) -> list[Record]:
        """Metrics by their names, each with its bootstrap interval over rows."""
        found = {name: bootstrap(name, predictions.gold, predictions.predicted) for name in names}
        return [self.record(name, one.value, one, BOOTSTRAP) for name, one in found.items()]

    def shares(self, counts: Mapping[str, int], n: int) -> list[Record]:
        """So many of n, by name, each with Wilson's interval."""
        found = {name: wilson(count, n) for name, count in counts.items()}
        return [self.record(name, one.value, one, WILSON) for name, one in found.items()]

    def coverages(self, sure: Any, right: Any, texts: Any = None) -> list[Coverage]:
        """The error rate among the surest, at ten coverages.

        Args:
            sure, right: the confidence of each answer, and whether it was right, [n].
            texts: which text each answers, [n], where a text has several: what errs together shows less, and the
                intervals are wider by that (factory.evidence.clusters). None: each has its own.
        """
        found, effect = [], _effect(right, texts)
        order = np.argsort(-np.asarray(sure, np.float64), kind="stable")
        for point in metrics.risk_at(sure, right):
            wrong = min(point.accepted, round(point.risk * point.accepted))
            band = wilson(wrong, point.accepted, effect=effect(order[: point.accepted]))
            low, high = min(point.risk, band.low), max(point.risk, band.high)
            found.append(Coverage(**vars(point), low=low, high=high, **self.common))
        return found

    def reliability(self, sure: Any, right: Any, texts: Any = None) -> list[Reliability]:
        """How often answers of like confidence are right; arguments as of coverages."""
        bins, effect = metrics.reliability(sure, right), _effect(right, texts)
        order = np.argsort(-np.asarray(sure, np.float64), kind="stable")
        places = np.array_split(order, len(bins))  # as metrics.reliability splits them
        found = []
        for place, (one, its) in enumerate(zip(reversed(bins), reversed(places), strict=True), 1):
            band = wilson(min(one.count, round(one.right * one.count)), one.count, effect=effect(its))
            low, high = min(one.right, band.low), max(one.right, band.high)
            found.append(Reliability(**vars(one), bin=place, low=low, high=high, **self.common))
        return found


def _effect(right: Any, texts: Any) -> Callable[[Any], float]:
    """From places of answers to how many of these show as much as one drawn by itself; 1 where texts are not told."""
    if texts is None:
        return lambda places: 1.0
    of = np.asarray(texts)
    alike = correlation(np.asarray(right, np.float64) < 1.0, of)
    return lambda places: design_effect(of[places], alike)
