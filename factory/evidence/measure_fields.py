"""Everything that can be said of records that somebody read."""

from __future__ import annotations

from factory.evidence import fields, intervals, metrics
from factory.evidence.predictions import Predictions
from factory.evidence.records import AnyEvidence, ClassFigures
from factory.evidence.saying import Saying
from factory.evidence.spans import total


def measure(predictions: Predictions, said: Saying) -> list[AnyEvidence]:
    """The records of one system.

    Normalised and exact F1, precision and recall of fields (bootstrap over rows), `records_right` (share of rows in
    which all is right that people spoke of) and `answered` (Wilson); every field's figures, normalised; and where every
    answer has a score `ece` and `aurc`, and the risk at ten coverages: how often a record has a mistake.
    """
    gold, predicted = predictions.gold, predictions.predicted
    found: list[AnyEvidence] = [*said.figures(intervals.OF_FIELDS, predictions)]
    right = predictions.rights
    answered = sum(one is not None for one in predicted)
    found += said.shares({"records_right": sum(right), "answered": answered}, len(gold))
    for name in fields.names(gold, predicted):
        counts = total(fields.by_row(gold, predicted, field=name))
        found.append(
            ClassFigures(
                label=name,
                precision=float(counts.precision()),
                recall=float(counts.recall()),
                f1=float(counts.f1()),
                support=int(counts.there),
                predicted=int(counts.claimed),
                **said.common,
            )
        )
    if predictions.scored:
        sure = predictions.confidences
        ece = metrics.calibration_error(sure, right)
        found += [
            said.record("ece", ece, method="of records, 15 bins of equal mass"),
            said.record("aurc", metrics.aurc(sure, right)),
            *said.coverages(sure, right),
            *said.reliability(sure, right),
        ]
    return found
