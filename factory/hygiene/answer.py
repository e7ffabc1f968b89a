"""Is there an answer, can it be shown, and is it as long as the spec asks?"""

from __future__ import annotations

from collections.abc import Sequence

from factory.hygiene.check import Context, not_asked
from factory.hygiene.schema import debris
from factory.row import Row, Verdict
from factory.wording import settle
from factory.words import words

NAME = "answer"


def by_machine(row: Row, check: str) -> Verdict | None:
    """Why a check of a teacher's answers does not concern a row; None if it does."""
    if row.answer is None:
        return not_asked(check, "no answer")
    if row.origin in ("reviewed", "example"):
        return not_asked(check, "people answered")
    return None if row.answer or row.origin == "generated" else not_asked(check, "nobody has answered it yet")


def check(rows: Sequence[Row], context: Context) -> list[Verdict]:
    """Drop rows whose answer by a teacher is blank, can't be shown, has leftovers of JSON, or is too short or too long.

    The score is the number of words. What people wrote is not held to a length.
    """
    return [by_machine(row, NAME) or _verdict(row.answer or "", context) for row in rows]


def _verdict(answer: str, context: Context) -> Verdict:
    shortest, longest = context.spec.form.words
    count = len(words(answer))
    reason = ""
    if answer != settle(answer) or not answer:
        reason = "no answer: blank, or not in its one form"
    elif found := debris(answer):
        reason = f"leftover JSON: {found!r}"
    elif count < shortest:
        reason = f"too short: {count} words, {shortest} are asked"
    elif count > longest:
        reason = f"too long: {count} words, {longest} are allowed"
    return Verdict(check=NAME, passed=not reason, score=float(count), reason=reason)
