"""Does the committee believe the label the teacher was asked to write for?"""

from __future__ import annotations

from collections.abc import Sequence

from factory.hygiene.check import Context, invented, not_asked
from factory.row import Row, Verdict

NAME = "consistency"


def check(rows: Sequence[Row], context: Context) -> list[Verdict]:
    """Drop generated rows whose label gets less than `hygiene.consistency`; the score is the label's probability."""
    floor = context.spec.hygiene.consistency

    def verdict(row: Row) -> Verdict:
        if not invented(row):
            return not_asked(NAME)
        if row.soft is None:
            return not_asked(NAME, "nobody judged this row")
        score = row.soft.get(row.label, 0.0)
        if score >= floor:
            return Verdict(check=NAME, passed=True, score=score)
        likely = max(row.soft, key=lambda label: (row.soft or {})[label])
        reason = f"label not believed: {score:.2f}, {floor:.2f} is asked; more likely {likely}"
        return Verdict(check=NAME, passed=False, score=score, reason=reason)

    return [verdict(row) for row in rows]
