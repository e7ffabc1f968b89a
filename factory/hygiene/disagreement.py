"""How far do the spec's judges disagree about a row?"""

from __future__ import annotations

from collections.abc import Sequence

from factory.evidence.agreement import disagreement
from factory.hygiene.check import Context, not_asked
from factory.row import Row, Verdict

NAME = "disagreement"


def check(rows: Sequence[Row], context: Context) -> list[Verdict]:
    """Keep how far the judges disagree (factory.evidence.agreement.disagreement, 0 to 1), and what each of them says.

    Above `hygiene.disagreement`, where the spec sets it, the row is dropped, unless people labelled it.
    """
    most, labels = context.spec.hygiene.disagreement, list(context.spec.labels)

    def verdict(row: Row) -> Verdict:
        opinions = context.opinions.get(row.id, {})
        if len(opinions) < 2:
            return not_asked(NAME, "fewer than two judges read this row")
        score = disagreement(list(opinions.values()))
        says = "; ".join(f"{judge} says {labels[int(p.argmax())]} ({p.max():.2f})" for judge, p in opinions.items())
        if most is None or score <= most or row.origin in ("reviewed", "example"):
            return Verdict(check=NAME, passed=True, score=score, reason=says)
        reason = f"judges disagree: {score:.2f}, {most:.2f} is allowed; {says}"
        return Verdict(check=NAME, passed=False, score=score, reason=reason)

    return [verdict(row) for row in rows]
