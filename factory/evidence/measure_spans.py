"""Everything that can be said of spans that somebody found."""

from __future__ import annotations

from typing import Any

import numpy as np

from factory.evidence import intervals, metrics, spans
from factory.evidence.predictions import Predictions
from factory.evidence.records import AnyEvidence, ClassFigures, SpanMistakes
from factory.evidence.saying import Saying


def measure(predictions: Predictions, said: Saying) -> list[AnyEvidence]:
    """The records of one system.

    Strict and relaxed F1, precision and recall (bootstrap over rows), `texts_right` (share of texts with all spans
    right and no others) and `answered` (Wilson); every type's figures and mistakes; and where every answer has scores,
    over found spans, `ece`, its bins, `brier` and `aurc`, and the risk at ten coverages with the recall that is left;
    the intervals of both are wider by what spans of one text err together.
    """
    gold, predicted = predictions.gold, predictions.predicted
    found: list[AnyEvidence] = [*said.figures(intervals.OF_SPANS, predictions)]
    shares = {
        "texts_right": sum(item.right for item in predictions.items),
        "answered": sum(answer is not None for answer in predicted),
    }
    found += said.shares(shares, len(gold))
    for one in spans.by_type(gold, predicted):
        strict = one.strict
        found.append(
            ClassFigures(
                label=one.label,
                precision=float(strict.precision()),
                recall=float(strict.recall()),
                f1=float(strict.f1()),
                support=int(strict.there),
                predicted=int(strict.claimed),
                relaxed_f1=float(one.relaxed.f1()),
                **said.common,
            )
        )
        kept = {name: getattr(one, name) for name in ("label", "boundaries", "type", "missed", "invented")}
        found.append(SpanMistakes(**kept, right=int(strict.right), **said.common))
    return found + (_confidence(predictions, said) if predictions.scored else [])


def _confidence(predictions: Predictions, said: Saying) -> list[AnyEvidence]:
    """What the scores of found spans are worth; nothing where none was found."""
    sure = np.array([score for item in predictions.items for score in item.scores or ()], np.float64)
    right = np.array(spans.rights(predictions.gold, predictions.predicted), np.float64)
    if not len(sure):
        return []
    there = sum(map(len, predictions.gold))
    found: list[AnyEvidence] = [
        said.record("ece", metrics.calibration_error(sure, right), method="of found spans, 15 bins of equal mass"),
        said.record("brier", float(((sure - right) ** 2).mean()), method="of found spans, 0 to 1"),
        said.record("aurc", metrics.aurc(sure, right), method="of found spans"),
    ]
    texts = [place for place, item in enumerate(predictions.items) for _ in item.scores or ()]
    found += said.reliability(sure, right, texts)
    for one in said.coverages(sure, right, texts):
        still: dict[str, Any] = {"recall": min(1.0, (1.0 - one.risk) * one.accepted / there) if there else 0.0}
        found.append(one.model_copy(update=still))
    return found
