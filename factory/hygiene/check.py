"""What a check is, and what it may know besides the rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from factory.row import Gold, Row, Verdict
from factory.spec import Spec


@dataclass(frozen=True)
class Context:
    """What checks may look at.

    Attributes:
        spec: the specialist's declaration.
        gold: rows no training row may resemble.
        instructions: texts the teacher was given (policy, definitions) and must not repeat.
    """

    spec: Spec
    gold: Sequence[Gold] = ()
    instructions: Sequence[str] = ()


Check = Callable[[Sequence[Row], Context], list[Verdict]]
"""Gives one verdict a row, in the rows' order; changes nothing.

A reason reads `category: detail`; statistics count categories, so a category holds no figure and no name.
"""


def context(spec: Spec, gold: Sequence[Gold]) -> Context:
    """The context of a spec: its gold rows, and its policy and definitions as instructions."""
    return Context(spec, gold, (spec.template("policy.md"), *spec.labels.values()))


def invented(row: Row) -> bool:
    """Whether a teacher wrote the text. Real text is what it is: checks of style do not ask it anything."""
    return row.origin == "generated"


def not_asked(check: str, why: str = "real text") -> Verdict:
    """The verdict on a row that a check does not concern."""
    return Verdict(check=check, passed=True, reason=f"not asked: {why}")
