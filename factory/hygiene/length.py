"""Is the text as long as the spec wants its texts?"""

from __future__ import annotations

from collections.abc import Sequence

from factory.hygiene.check import Context, invented, not_asked
from factory.row import Row, Verdict
from factory.words import words

NAME = "length"


def check(rows: Sequence[Row], context: Context) -> list[Verdict]:
    """Drop generated rows outside `hygiene.words`; the score is the number of words."""
    shortest, longest = context.spec.hygiene.words

    def verdict(row: Row) -> Verdict:
        if not invented(row):
            return not_asked(NAME)
        count = len(words(row.text))
        reason = ""
        if count < shortest:
            reason = f"too short: {count} words, {shortest} are asked"
        elif count > longest:
            reason = f"too long: {count} words, {longest} are allowed"
        return Verdict(check=NAME, passed=not reason, score=float(count), reason=reason)

    return [verdict(row) for row in rows]
