"""From answers to records: the one place where figures and intervals are put on paper."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from factory.errors import DataError
from factory.evidence import intervals, measure_fields, measure_spans, measure_words, metrics
from factory.evidence.circumstances import Circumstances
from factory.evidence.decision import said
from factory.evidence.predictions import Predictions
from factory.evidence.records import AnyEvidence, ClassFigures, Comparison, Confusion
from factory.evidence.saying import Saying

CONFUSIONS = 20  # pairs recorded a system
EXAMINER = 4
"""Raised whenever what is measured on gold rows, or how, changes, so that finished stages measure again."""
OF_SPANS = 1
"""The same of spans' figures alone."""


def measure(
    predictions: Predictions,
    circumstances: Circumstances,
    texts: Mapping[str, str] | None = None,
    language: str = "en",
) -> list[AnyEvidence]:
    """Everything that can be said of one system's answers.

    Records: `accuracy` (Wilson interval), `macro_f1` (bootstrap), `micro_f1`, `answered` (share of rows with a usable
    answer), and where every answer has scores `ece`, `brier` and `aurc`; then every label's figures, the 20 most
    frequent confusions, and the risk at ten coverages (an unanswered row is the least sure and wrong).
    `ece`, its bins and `brier` are over answered rows. Of other kinds: measure_spans, measure_fields, measure_words.

    Args:
        predictions: its answers.
        circumstances: what to write beside the figures.
        texts: the gold rows' texts by id, which answers in words are held against.
        language: of these texts, an ISO 639-1 code.
    """
    saying = Saying(predictions, circumstances)
    if predictions.kind == "spans":
        return measure_spans.measure(predictions, saying)
    if predictions.kind == "extraction":
        return measure_fields.measure(predictions, saying)
    if predictions.kind == "generation":
        return measure_words.measure(predictions, saying, texts or {}, language)
    gold, predicted = predictions.gold, predictions.predicted
    n = len(gold)
    right = intervals.wilson(sum(item.right for item in predictions.items), n)
    f1 = intervals.bootstrap("macro_f1", gold, predicted)
    answered = intervals.wilson(sum(label is not None for label in predicted), n)
    found: list[AnyEvidence] = [
        saying.record("accuracy", right.value, right, intervals.WILSON),
        saying.record("macro_f1", f1.value, f1, intervals.BOOTSTRAP),
        saying.record("micro_f1", metrics.micro_f1(gold, predicted)),
        saying.record("answered", answered.value, answered, intervals.WILSON),
    ]
    found += [ClassFigures(**vars(one), **saying.common) for one in metrics.per_class(gold, predicted)]
    found += [
        Confusion(gold=a, predicted=b, count=count, support=gold.count(a), **saying.common)
        for a, b, count in metrics.confusions(gold, predicted)[:CONFUSIONS]
    ]
    return found + (_confidence(predictions, saying) if predictions.scored else [])


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
        **Saying(ours.model_copy(update={"sample": sample}), circumstances).common,
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
    theirs = {item.id: said(item.gold) for item in b.items}
    ids = [item.id for item in a.items if item.id in theirs]
    if not ids:
        raise DataError(f"{a.who} and {b.who} were not measured on any row in common.")
    wrong = [item.id for item in a.items if item.id in theirs and theirs[item.id] != said(item.gold)]
    if wrong:
        raise DataError(f"{a.who} and {b.who} disagree about what is right.", where=f"gold row {wrong[0]}")
    return a.on(ids), b.on(ids)


def _confidence(predictions: Predictions, saying: Saying) -> list[AnyEvidence]:
    """What the scores are worth."""
    sure, right = predictions.confidences, predictions.rights
    answered = [item for item in predictions.items if item.predicted is not None]
    given = [item.scores if isinstance(item.scores, dict) else {} for item in answered]
    gold = [str(item.gold) for item in answered]
    labels = sorted(set(gold).union(*given))
    scores = np.array([[one.get(label, 0.0) for label in labels] for one in given])
    given_sure, given_right = [item.confidence for item in answered], [item.right for item in answered]
    ece = metrics.calibration_error(given_sure, given_right)
    brier = metrics.brier(scores, [labels.index(label) for label in gold])
    return [
        saying.record("ece", ece, method="15 bins of equal mass"),
        saying.record("brier", brier, method="sum over labels, 0 to 2"),
        saying.record("aurc", metrics.aurc(sure, right)),
        *saying.coverages(sure, right),
        *saying.reliability(given_sure, given_right),
    ]
