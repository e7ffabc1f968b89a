"""Does an answer say numbers or names that its text does not have? Then it was made up, or taken from elsewhere.

A proxy: what is wrong in other ways passes, and a full name for the text's abbreviation does not. Of 250 questions that
people had shortened (medical/question_summary), four would not pass.
"""

from __future__ import annotations

from collections.abc import Sequence

from factory.hygiene.answer import by_machine
from factory.hygiene.check import Context
from factory.row import Row, Verdict
from factory.wording import foreign

NAME = "faithful"


def check(rows: Sequence[Row], context: Context) -> list[Verdict]:
    """Drop rows whose answer by a teacher has a number or a name that the text has not (factory.wording.foreign).

    The score is the share of its numbers and names that stand in the text; 1 where it has none.
    """

    def verdict(row: Row) -> Verdict:
        strange, there = foreign(row.text, row.answer or "", context.spec.language)
        score = 1.0 if not there else round(max(0.0, 1 - len(strange) / there), 4)
        reason = f"not in the text: {', '.join(strange[:5])}" if strange else ""
        return Verdict(check=NAME, passed=not strange, score=score, reason=reason)

    return [by_machine(row, NAME) or verdict(row) for row in rows]
