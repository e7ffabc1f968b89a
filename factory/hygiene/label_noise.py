"""Is the label a generated row was asked for likely an error? Confident learning (Northcutt, Jiang & Chuang 2021).

Linear probes on the encoder's vectors, cross-validated, say how likely each label is for a row they have not seen;
cleanlab finds the rows whose given label the others contradict.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from factory.hygiene.check import Context, invented, not_asked, unasked, unit_vectors
from factory.row import Row, Verdict
from factory.students import probe

NAME = "label_noise"
FOLDS = 5
_SCALE = 10.0  # unit vectors are short for a probe: as in the committee


def check(rows: Sequence[Row], context: Context) -> list[Verdict]:
    """Drop generated rows whose label confident learning takes for an error; the score is its quality, 0 to 1.

    The probes learn from every row whose label somebody stands for: generated (asked for), reviewed and example. Labels
    with fewer than FOLDS such rows take no part. Only generated rows are dropped.
    """
    if not context.spec.hygiene.label_noise:
        return unasked(NAME, rows)
    labelled = [place for place, row in enumerate(rows) if row.origin != "unlabelled"]
    counts = Counter(rows[place].label for place in labelled)
    known = sorted(label for label, count in counts.items() if count >= FOLDS)
    places = [place for place in labelled if rows[place].label in known]
    if len(known) < 2 or not any(invented(rows[place]) for place in places):
        return unasked(NAME, rows, "too few rows to cross-validate")
    places.sort(key=lambda place: (rows[place].label, rows[place].id, rows[place].origin))
    numbers = np.array([known.index(rows[place].label) for place in places])
    wrong, quality = _issues(numbers, _held_out(unit_vectors([rows[p].text for p in places], context, NAME), numbers))
    found = {place: (bool(wrong[i]), round(float(quality[i]), 4)) for i, place in enumerate(places)}

    def verdict(place: int) -> Verdict:
        if not invented(rows[place]):
            return not_asked(NAME)
        if place not in found:
            return not_asked(NAME, "too few rows of its label")
        error, score = found[place]
        reason = "likely a wrong label: its cross-validated neighbours contradict it" if error else ""
        return Verdict(check=NAME, passed=not error, score=score, reason=reason)

    return [verdict(place) for place in range(len(rows))]


def _held_out(vectors: Any, labels: Any) -> Any:
    """Probabilities [rows, labels] by probes that have not seen the row; rows come sorted by label, so folds are even."""
    classes = int(labels.max()) + 1
    targets = np.eye(classes, dtype=np.float32)[labels]
    fold = np.arange(len(labels)) % FOLDS
    found = np.zeros((len(labels), classes), np.float32)
    for held in range(FOLDS):
        inside, outside = fold != held, fold == held
        weight, bias = probe.fit(
            _SCALE * vectors[inside], targets[inside], np.ones(int(inside.sum()), np.float32), penalty=1e-3
        )
        scores = _SCALE * vectors[outside] @ weight.T + bias
        odds = np.exp(scores - scores.max(axis=1, keepdims=True))
        found[outside] = odds / odds.sum(axis=1, keepdims=True)
    return found


def _issues(labels: Any, probabilities: Any) -> tuple[Any, Any]:
    """Which labels are errors, and each label's quality."""
    from cleanlab.filter import find_label_issues
    from cleanlab.rank import get_label_quality_scores

    # `both`: what is off by rank and by class; the more careful of cleanlab's ways, because a row goes for it.
    wrong = find_label_issues(labels, probabilities, filter_by="both", n_jobs=1)
    return wrong, get_label_quality_scores(labels, probabilities)
