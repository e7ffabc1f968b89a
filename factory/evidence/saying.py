"""What all records of one system have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from factory.evidence import metrics
from factory.evidence.circumstances import Circumstances
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

    def coverages(self, sure: Any, right: Any) -> list[Coverage]:
        """The error rate among the surest, at ten coverages: confidences [n], and whether each was right [n]."""
        found = []
        for point in metrics.risk_at(sure, right):
            band = wilson(min(point.accepted, round(point.risk * point.accepted)), point.accepted)
            low, high = min(point.risk, band.low), max(point.risk, band.high)
            found.append(Coverage(**vars(point), low=low, high=high, **self.common))
        return found

    def reliability(self, sure: Any, right: Any) -> list[Reliability]:
        """How often answers of like confidence are right: confidences [n], and whether each was right [n]."""
        found = []
        for place, one in enumerate(reversed(metrics.reliability(sure, right)), 1):
            band = wilson(min(one.count, round(one.right * one.count)), one.count)
            low, high = min(one.right, band.low), max(one.right, band.high)
            found.append(Reliability(**vars(one), bin=place, low=low, high=high, **self.common))
        return found
