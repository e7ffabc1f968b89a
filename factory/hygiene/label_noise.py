"""Is the label a generated row was asked for likely an error? Confident learning (Northcutt, Jiang & Chuang 2021).

Linear probes on the encoder's vectors, cross-validated, say how likely each label is for a row they have not seen;
cleanlab finds the rows whose given label the others contradict. Its word alone is not enough for a drop: where probes
are often wrong, so is it. A row goes if cleanlab flags it and the likeliest label is far likelier (RIVALRY).

Measured on people's rows with one label in ten exchanged (MiniLM; rows dropped, share of these exchanged, share of the
exchanged dropped). Intents, 73 labels: cleanlab alone 169, 0.75, 0.85; with RIVALRY 111, 1.00, 0.74. Clauses, 19
labels: 120, 0.47, 0.86; with 43, 0.93, 0.62. Sentiment, 3 labels, where probes are right on 64 % of rows: 201, 0.25,
0.71; with 26, 0.50, 0.19. So it helps where topics differ, and does little where the encoder can't tell labels apart.
RIVALRY and the probes' penalty were chosen on these same rows: the lines with it are somewhat flattering.
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
RIVALRY = 0.15
"""A flagged row goes if its label's probability is less than this share of the likeliest label's."""

_SCALE, _PENALTY = 10.0, 0.1  # unit vectors are short for a probe; a stiff one does not learn single rows by heart


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
    """Probabilities [rows, labels] by probes that have not seen the row; rows come sorted by label: folds are even."""
    classes = int(labels.max()) + 1
    targets = np.eye(classes, dtype=np.float32)[labels]
    fold = np.arange(len(labels)) % FOLDS
    found = np.zeros((len(labels), classes), np.float32)
    for held in range(FOLDS):
        inside, outside = fold != held, fold == held
        weight, bias = probe.fit(_SCALE * vectors[inside], targets[inside], np.ones(inside.sum(), np.float32), _PENALTY)
        scores = _SCALE * vectors[outside] @ weight.T + bias
        odds = np.exp(scores - scores.max(axis=1, keepdims=True))
        found[outside] = odds / odds.sum(axis=1, keepdims=True)
    return found


def _issues(labels: Any, probabilities: Any) -> tuple[Any, Any]:
    """Which labels are errors, and each label's quality."""
    from cleanlab.filter import find_label_issues
    from cleanlab.rank import get_label_quality_scores

    given = probabilities[np.arange(len(labels)), labels]
    contradicted = given < RIVALRY * probabilities.max(axis=1)
    wrong = find_label_issues(labels, probabilities, filter_by="both", n_jobs=1) & contradicted
    return wrong, get_label_quality_scores(labels, probabilities)
