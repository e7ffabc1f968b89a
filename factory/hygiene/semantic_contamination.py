"""Does a row ask what the examination asks, in other words? Every row's vector is compared with every gold text's."""

from __future__ import annotations

from collections.abc import Sequence

from factory.hygiene.check import Context, unasked, unit_vectors
from factory.row import Row, Verdict

NAME = "semantic_contamination"

_CHUNK = 2000  # rows compared at once: bounds memory at _CHUNK x gold rows


def check(rows: Sequence[Row], context: Context) -> list[Verdict]:
    """Drop rows that mean what a gold text means; the score is the highest cosine similarity to one.

    Close vectors also stand side by side where a task's texts are all alike: look at what a threshold drops.
    """
    threshold = context.spec.hygiene.semantic_contamination
    if threshold is None:
        return unasked(NAME, rows)
    if not context.gold:
        return unasked(NAME, rows, "no gold rows")
    gold = unit_vectors([one.text for one in context.gold], context, NAME)
    verdicts: list[Verdict] = []
    for start in range(0, len(rows), _CHUNK):
        alike = unit_vectors([row.text for row in rows[start : start + _CHUNK]], context, NAME) @ gold.T
        for nearest, score in zip(alike.argmax(axis=1), alike.max(axis=1), strict=True):
            passed = bool(score < threshold)
            reason = "" if passed else f"means a gold text: {context.gold[nearest].id}"
            verdicts.append(Verdict(check=NAME, passed=passed, score=round(float(score), 4), reason=reason))
    return verdicts
