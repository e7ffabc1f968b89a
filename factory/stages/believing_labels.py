"""How far the rows that a teacher wrote are believed: as far as people's rows gain by them.

A committee says what a written row's label is. It does not say whether such rows are like those that will come: a small
teacher's may be of another kind, and then a student is better without them. So people's rows are asked, as they are
about a teacher's marks (factory.stages.believing): a linear head on the rows' vectors learns them and what the teacher
wrote, this with one weight after the other, and says how likely the label is of each of people's rows that it has not
learned. The belief is taken by which these are likeliest. Real texts are not doubted: they are what will come, and of
their labels the committee's word stands.

A log loss is told by far fewer rows than how many answers are right, and errs to no side; so the best is taken, and
no rule is needed of when a gain is big enough.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from factory.dataset.split import folds, group
from factory.evidence import calibration
from factory.row import Row
from factory.stages.believing import FEWEST, Believed
from factory.students import probe
from factory.students.classifier import targets
from factory.students.probe import Array

BELIEVER = 1
"""The version of how it is done."""
BELIEFS = (1.0, 0.3, 0.1, 0.03)
"""Never none: a label that people's rows lack has, with what was written for it, at least a place."""
PARTS = 5
PENALTIES = (1e-3, 1e-2)
"""On the squares of the head; each belief has the one that suits it, for fewer rows want more."""


def believed(rows: Sequence[Row], vectors: Mapping[str, Array], labels: Sequence[str]) -> Believed | None:
    """How far what a teacher wrote is to be believed; None where too few of people's rows are there to tell, all rest
    on one source, or it wrote nothing.

    Args:
        rows: all that may be trained on, with the weights they would have if it were believed in full.
        vectors: row id to what an encoder makes of its text [hidden]; rows without one have no say.
        labels: the spec's, in order.
    """
    found = losses(rows, vectors, labels)
    if not found:
        return None
    tried = {belief: min(found[belief, penalty] for penalty in PENALTIES) for belief in BELIEFS}
    best = min(BELIEFS, key=lambda belief: tried[belief])
    people = sum(_tells(row) for row in rows if row.id in vectors)
    return Believed(
        best, {belief: round(loss, 4) for belief, loss in tried.items()}, people, figure="log loss", digits=3
    )


def losses(
    rows: Sequence[Row], vectors: Mapping[str, Array], labels: Sequence[str]
) -> dict[tuple[float, float], float]:
    """Belief and penalty to the log loss on people's rows; empty where `believed` is None. Arguments as there."""
    known = [row for row in rows if row.id in vectors]
    people = [row for row in known if _tells(row)]
    parts = folds(people, PARTS)
    if len(people) < FEWEST or len(parts) < 2 or not any(map(written, known)):
        return {}
    seen, wanted = np.stack([vectors[row.id] for row in known]), targets(known, labels)
    place = {row.id: number for number, row in enumerate(known)}
    asked = [[place[row.id] for row in part] for part in parts]
    away = [{group(row) for row in part} for part in parts]
    left = [[number for number, row in enumerate(known) if group(row) not in gone] for gone in away]
    found = {}
    for belief in BELIEFS:
        weights = weighed(known, belief)
        for penalty in PENALTIES:
            heads = [probe.fit(seen[some], wanted[some], weights[some], penalty) for some in left]
            logits = [seen[some] @ head.T + bias for some, (head, bias) in zip(asked, heads, strict=True)]
            found[belief, penalty] = _loss(np.concatenate(logits), wanted[np.concatenate(asked)])
    return found


def weighed(rows: Sequence[Row], belief: float) -> Array:
    """The rows' weights at a belief, [rows]."""
    return np.array([row.weight * (belief if written(row) else 1.0) for row in rows], np.float32)


def written(row: Row) -> bool:
    """Whether a teacher wrote it and no person has said what it is."""
    return row.origin == "generated"


def _tells(row: Row) -> bool:
    """Whether people said what it is, of a text that nobody picked for what was said of it."""
    return row.origin == "reviewed" and not row.picked


def _loss(logits: Array, wanted: Array) -> float:
    """The mean cross-entropy at the temperature that is best for it."""
    p = calibration.probabilities(logits, calibration.temperature(logits, wanted))
    return float(-(wanted * np.log(np.maximum(p, 1e-12))).sum(axis=1).mean())
