"""From answers to records: the one place where figures and intervals are put on paper."""

from __future__ import annotations

from typing import Any

import numpy as np

from factory.errors import DataError
from factory.evidence import intervals, metrics
from factory.evidence.circumstances import Circumstances
from factory.evidence.predictions import Predictions
from factory.evidence.records import AnyEvidence, ClassFigures, Comparison, Confusion, Coverage, Record

CONFUSIONS = 20  # pairs recorded a system


def measure(predictions: Predictions, circumstances: Circumstances) -> list[AnyEvidence]:
    """Everything that can be said of one system's answers.

    Records: `accuracy` (Wilson interval), `macro_f1` (bootstrap), `micro_f1`, `answered` (share of rows with a usable
    answer), and where every answer has scores `ece`, `brier` and `aurc`; then every label's figures, the 20 most
    frequent confusions, and the risk at five coverages (an unanswered row is the least sure and wrong).
    `ece` and `brier` are over answered rows.
    """
    said = _Saying(predictions, circumstances)
    gold, predicted = predictions.gold, predictions.predicted
    n = len(gold)
    right = intervals.wilson(sum(item.right for item in predictions.items), n)
    f1 = intervals.bootstrap("macro_f1", gold, predicted)
    answered = intervals.wilson(sum(label is not None for label in predicted), n)
    found: list[AnyEvidence] = [
        said.record("accuracy", right.value, right, intervals.WILSON),
        said.record("macro_f1", f1.value, f1, intervals.BOOTSTRAP),
        said.record("micro_f1", metrics.micro_f1(gold, predicted)),
        said.record("answered", answered.value, answered, intervals.WILSON),
    ]
    found += [ClassFigures(**vars(one), **said.common) for one in metrics.per_class(gold, predicted)]
    found += [
        Confusion(gold=a, predicted=b, count=count, support=gold.count(a), **said.common)
        for a, b, count in metrics.confusions(gold, predicted)[:CONFUSIONS]
    ]
    return found + (_confidence(predictions, said) if predictions.scored else [])


def compare(
    a: Predictions, b: Predictions, circumstances: Circumstances, metric: intervals.Metric = "accuracy"
) -> Comparison:
    """a against b on the rows both answered.

    Raises:
        DataError: they share no row, or disagree about a row's gold label.
    """
    ours, theirs = shared(a, b)
    difference = intervals.paired(metric, ours.gold, ours.predicted, theirs.predicted)
    p = intervals.mcnemar(ours.gold, ours.predicted, theirs.predicted) if metric == "accuracy" else None
    whole = next((one for one in (a, b) if len(one.items) == len(ours.items)), None)
    sample = whole.sample if whole else "the rows both answered"
    return Comparison(
        **_Saying(ours.model_copy(update={"sample": sample}), circumstances).common,
        against=b.who,
        metric=metric,
        value=intervals.value_of(metric, ours.gold, ours.predicted),
        other=intervals.value_of(metric, theirs.gold, theirs.predicted),
        difference=difference.value,
        low=difference.low,
        high=difference.high,
        method=intervals.PAIRED,
        p=p,
    )


def shared(a: Predictions, b: Predictions) -> tuple[Predictions, Predictions]:
    """Both systems' answers to the rows both answered, in the same order; raises DataError as `compare` does."""
    theirs = {item.id: item.gold for item in b.items}
    ids = [item.id for item in a.items if item.id in theirs]
    if not ids:
        raise DataError(f"{a.who} and {b.who} were not measured on any row in common.")
    wrong = [item.id for item in a.items if theirs.get(item.id, item.gold) != item.gold]
    if wrong:
        raise DataError(f"{a.who} and {b.who} disagree about what is right.", where=f"gold row {wrong[0]}")
    return a.on(ids), b.on(ids)


def _confidence(predictions: Predictions, said: _Saying) -> list[AnyEvidence]:
    """What the scores are worth."""
    sure = [item.confidence for item in predictions.items]
    right = [item.right for item in predictions.items]
    answered = [item for item in predictions.items if item.scores is not None and item.predicted is not None]
    labels = sorted({item.gold for item in answered}.union(*(item.scores or {} for item in answered)))
    scores = np.array([[(item.scores or {}).get(label, 0.0) for label in labels] for item in answered])
    gold = [labels.index(item.gold) for item in answered]
    ece = metrics.calibration_error([item.confidence for item in answered], [item.right for item in answered])
    found: list[AnyEvidence] = [
        said.record("ece", ece, method="15 bins of equal mass"),
        said.record("brier", metrics.brier(scores, gold), method="sum over labels, 0 to 2"),
        said.record("aurc", metrics.aurc(sure, right)),
    ]
    for point in metrics.risk_at(sure, right):
        band = intervals.wilson(min(point.accepted, round(point.risk * point.accepted)), point.accepted)
        low, high = min(point.risk, band.low), max(point.risk, band.high)
        found.append(Coverage(**vars(point), low=low, high=high, **said.common))
    return found


class _Saying:
    """What all records of one system have in common."""

    def __init__(self, predictions: Predictions, circumstances: Circumstances) -> None:
        self.common: dict[str, Any] = {
            "who": predictions.who,
            "what": predictions.what,
            "rows": predictions.rows,
            "n": len(predictions.items),
            "sample": predictions.sample,
            **vars(circumstances),
        }

    def record(self, metric: str, value: float, interval: intervals.Interval | None = None, method: str = "") -> Record:
        low, high = (interval.low, interval.high) if interval else (None, None)
        return Record(**self.common, metric=metric, value=value, low=low, high=high, method=method)
