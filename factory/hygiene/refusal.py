"""Does an answer answer? Teachers refuse, speak as machines, repeat their instructions and leave blanks to fill in."""

from __future__ import annotations

from collections.abc import Sequence

from factory.hygiene.answer import by_machine
from factory.hygiene.check import Context
from factory.hygiene.roles import leaked, runs
from factory.hygiene.slips import SLIPS
from factory.row import Row, Verdict
from factory.words import fold

NAME = "refusal"
CATEGORIES = ("speaks as a machine", "refuses", "placeholder", "leaked instructions")
"""Of a teacher's slips, those that no answer may have: a draft may well be a letter, or speak as an agent."""


def check(rows: Sequence[Row], context: Context) -> list[Verdict]:
    """Drop rows whose answer by a teacher refuses, or repeats the prompt; a placeholder that the text has is its own.

    The score is how many slips there are.
    """
    told = {run for text in context.instructions for run in runs(text)}

    def verdict(row: Row) -> Verdict:
        found = _slips(row.text, row.answer or "", told)
        return Verdict(check=NAME, passed=not found, score=float(len(found)), reason=found[0] if found else "")

    return [by_machine(row, NAME) or verdict(row) for row in rows]


def _slips(text: str, answer: str, told: set[tuple[str, ...]]) -> list[str]:
    found = []
    for category, pattern in SLIPS:
        match = pattern.search(answer) if category in CATEGORIES else None
        if match and not (category == "placeholder" and fold(match.group()) in fold(text)):
            found.append(f"{category}: {' '.join(match.group().split())!r}")
    return found + ([f"leaked instructions: {run!r}"] if (run := leaked(answer, told)) else [])
