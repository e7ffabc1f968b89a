"""Is an answer good, by the policy's rules? The teacher's own mark, which is worth what it is worth.

How far it can be believed the stage `review` tells: how it marks people's answers beside answers to other texts.
"""

from __future__ import annotations

from collections.abc import Sequence

from factory.hygiene.answer import by_machine
from factory.hygiene.check import Context, not_asked
from factory.row import Row, Verdict

NAME = "rubric"


def check(rows: Sequence[Row], context: Context) -> list[Verdict]:
    """Drop rows whose answer by a teacher has a lower mark than `answer.score`, where the spec sets one.

    The score is the mark, 0 to 1 (factory.generate.rating). A row that was not marked passes.
    """

    def verdict(row: Row) -> Verdict:
        least, mark = context.spec.form.score, context.marks.get(row.id)
        if mark is None:
            return not_asked(NAME, "not marked")
        reason = f"low mark: {mark:.2f}, {least:g} is asked" if least is not None and mark < least else ""
        return Verdict(check=NAME, passed=not reason, score=mark, reason=reason)

    return [by_machine(row, NAME) or verdict(row) for row in rows]
