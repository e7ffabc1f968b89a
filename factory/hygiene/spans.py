"""Are a row's spans sound: known types, in the text, apart from each other, whole words, and all that was asked for?"""

from __future__ import annotations

from collections.abc import Sequence

from factory.hygiene.check import Context, not_asked
from factory.row import Row, Verdict
from factory.span import problem, ragged
from factory.strata import NONE, names_in

NAME = "spans"


def check(rows: Sequence[Row], context: Context) -> list[Verdict]:
    """Drop rows with an unknown type, or spans out of bounds or overlapping.

    Where no person marked the spans, also those that do not begin and end as words do; and generated rows that lack a
    type their cell asked for. The score is how many spans there are.
    """
    return [_verdict(row, context.spec.labels) for row in rows]


def _verdict(row: Row, labels: dict[str, str]) -> Verdict:
    if row.spans is None:
        return not_asked(NAME, "no spans")
    reason = problem(row.text, row.spans, labels)
    if not reason and row.origin not in ("reviewed", "example"):
        reason = ragged(row.text, row.spans)
    if not reason and row.origin == "generated":
        there = {span.label for span in row.spans}
        lacking = [name for name in names_in(row.attributes.get("types", NONE)) if name not in there]
        reason = f"type not there: {', '.join(lacking)} was asked for" if lacking else ""
    return Verdict(check=NAME, passed=not reason, score=float(len(row.spans)), reason=reason)
