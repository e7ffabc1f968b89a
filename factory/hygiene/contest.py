"""Which checks' drops people may contest, and which guard something that no label undoes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from factory.hygiene import check
from factory.hygiene import run as hygiene
from factory.hygiene.check import Context
from factory.row import Row

CONTESTED = ("length", "language", "roles", "label_noise", "consistency", "disagreement", "rubric")
"""Checks that say of a row: this is no good example. A person who reads it can say that it is one."""

_EXAMINATION = "it guards the examination: no answer may bring a gold text into training"
_ANSWER = "what it drops has an answer that no person wrote, and that does not hold"
_TWIN = "the row that was kept says the same, so a label would tell nothing new"
GUARDS: Mapping[str, str] = {
    "schema": "what it drops is broken, whatever its label",
    "spans": "what it drops has broken marks, or lacks what it was asked for",
    "record": "what it drops has a record that does not hold, or lacks what it was asked for",
    "answer": _ANSWER,
    "refusal": _ANSWER,
    "copied": _ANSWER,
    "faithful": _ANSWER,
    "gold_answer": _EXAMINATION,
    "profanity": "the spec wants none of it, whatever its label",
    "contamination": _EXAMINATION,
    "semantic_contamination": _EXAMINATION,
    "pii": "personal data is not shown to more people than it must be",
    "duplicates": _TWIN,
    "semantic_duplicate": _TWIN,
    "balance": "it drops good rows, too, where a label has too many",
}
"""Checks whose drops nobody is shown, and why. A check that is neither here nor above is not shown either."""

WATCHING = tuple(name for name in hygiene.BY_ROW if name in GUARDS)
"""Guards that look at each row by itself: they are asked of every row that a person's answer brings into the data."""

LONGEST = 10_000  # characters; nobody reads more to judge one row


def dropped_by(row: Row) -> str:
    """The check that dropped a row; empty if none did."""
    return next((verdict.check for verdict in row.verdicts if not verdict.passed), "")


def showable(dropped: Sequence[Row], context: Context) -> list[Row]:
    """Of dropped rows, those that people may be shown.

    A row dropped early was never shown to the later guards, so these are asked now: no text of the examination, no
    personal data and nothing broken gets past here because it was too long as well.
    """
    contested = [row for row in dropped if dropped_by(row) in CONTESTED and len(row.text) <= LONGEST]
    harmless = {row.id for row in admitted([forgiven(row, "") for row in contested], context).kept}
    return [row for row in contested if row.id in harmless]


def admitted(rows: Sequence[Row], context: Context) -> hygiene.Result:
    """Rows through every guard that the spec asks for and that looks at each row by itself."""
    if not rows:
        return hygiene.Result([], [], [])
    watching = hygiene.of_kind(context.spec.kind, check.asked(context.spec.hygiene, WATCHING))
    return hygiene.run(rows, context, watching)


def forgiven(row: Row, who: str = "overruled by people: ") -> Row:
    """The row as if the checks that refused it had let it pass; their reasons stay, with `who` before them."""
    verdicts = [
        verdict if verdict.passed else verdict.model_copy(update={"passed": True, "reason": f"{who}{verdict.reason}"})
        for verdict in row.verdicts
    ]
    return row.model_copy(update={"verdicts": verdicts})
