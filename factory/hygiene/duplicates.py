"""One text, one row: exact and near duplicates, the best-founded one kept.

Rows are visited by origin (reviewed, example, unlabelled, generated) and then by id; a row goes if a kept row has the
same folded text, or shares at least `hygiene.near_duplicate` of its shingles. Candidates come from MinHash (rensa)
and LSH, and every candidate's Jaccard similarity is computed exactly, so what is kept depends on the set of rows and
not on their order, and no two kept candidates are that alike.
"""

from __future__ import annotations

from collections.abc import Sequence

from factory.files import canonical
from factory.hygiene.check import Context
from factory.hygiene.greedy import Decisions, decide
from factory.hygiene.sketch import PREFERENCE, banding, sketch
from factory.row import Row, Verdict

NAME = "duplicates"
KINDS = ("", "exact duplicate", "near duplicate")

__all__ = ["KINDS", "NAME", "PREFERENCE", "banding", "check", "verdicts"]


def check(rows: Sequence[Row], context: Context) -> list[Verdict]:
    """Drop all but one of rows that say the same; the score is the similarity to the row that was kept."""
    threshold = context.spec.hygiene.near_duplicate
    known, shingles = sketch(rows, threshold)
    return verdicts(decide(known, threshold, shingles.of, lambda number: canonical(rows[number].to_json())))


def verdicts(decisions: Decisions) -> list[Verdict]:
    """What `decide` found, in words."""
    passed = Verdict(check=NAME, passed=True)
    columns = (decisions.kinds, decisions.scores, decisions.ids, decisions.origins)
    return [
        Verdict(
            check=NAME,
            passed=False,
            score=score,
            reason=f"{KINDS[kind]}: of {identity:016x} ({PREFERENCE[origin]})",
        )
        if kind
        else passed
        for kind, score, identity, origin in zip(*(column.tolist() for column in columns), strict=True)
    ]
