"""Is an answer merely a piece of its text? Then nothing was summed up, drafted or put in other words."""

from __future__ import annotations

from collections.abc import Sequence

from factory.hygiene.answer import by_machine
from factory.hygiene.check import Context
from factory.row import Row, Verdict
from factory.wording import copied

NAME = "copied"


def check(rows: Sequence[Row], context: Context) -> list[Verdict]:
    """Drop rows of whose answer by a teacher more than `answer.copied` stands in the text in one run.

    The score is that share of the answer's words, 0 to 1. Of 250 questions that people had shortened
    (medical/question_summary), three are above 0.8.
    """

    def verdict(row: Row) -> Verdict:
        most = context.spec.form.copied
        share = copied(row.text, row.answer or "")
        reason = f"copied: {share:.0%} of its words stand in the text in one run" if share > most else ""
        return Verdict(check=NAME, passed=not reason, score=round(share, 4), reason=reason)

    return [by_machine(row, NAME) or verdict(row) for row in rows]
