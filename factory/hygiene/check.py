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
        instructions: texts written for the teacher and the reviewers, which no row repeats.
    """

    spec: Spec
    gold: Sequence[Gold] = ()
    instructions: Sequence[str] = ()


Check = Callable[[Sequence[Row], Context], list[Verdict]]
"""Gives one verdict a row, in the rows' order; changes nothing.

A reason reads `category: detail`; statistics count categories, so a category holds no figure and no name.
"""


def context(spec: Spec, gold: Sequence[Gold]) -> Context:
    """The context of a spec: its gold rows, and its policy as instructions.

    Definitions of labels are not among the instructions: good ones speak in the domain's own words, and so do rows
    (of 4,722 real clauses, 318 share eight words in a row with a definition, 0 with the policy).
    """
    return Context(spec, gold, (spec.template("policy.md"),))


def invented(row: Row) -> bool:
    """Whether a teacher wrote the text. Real text is what it is: checks of style do not ask it anything."""
    return row.origin == "generated"


def not_asked(check: str, why: str = "real text") -> Verdict:
    """The verdict on a row that a check does not concern."""
    return Verdict(check=check, passed=True, reason=f"not asked: {why}")
