"""What a check is, and what it may know besides the rows."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from factory.errors import FactoryError
from factory.row import Gold, Row, Verdict
from factory.spec import Spec
from factory.spec_hygiene import Hygiene

Vectors = Callable[[Sequence[str]], NDArray[np.float32]]
"""Texts to an encoder's vectors, float32 [texts, hidden], as `Encoder.vectors` gives them."""


@dataclass(frozen=True)
class Context:
    """What checks may look at.

    Attributes:
        spec: the specialist's declaration.
        gold: rows no training row may resemble.
        instructions: texts written for the teacher and the reviewers, which no row repeats.
        vectors: what an encoder makes of texts; None where no check that was asked for needs it.
        opinions: row id to what each judge thinks of it, where the spec names some: its name to its probabilities
            [labels], in the order of the spec's labels.
        marks: row id to the teacher's mark for its answer, 0 to 1, where answers were marked.
        suspended: checks that drop nothing: what they say of a row is kept, and so is the row.
    """

    spec: Spec
    gold: Sequence[Gold] = ()
    instructions: Sequence[str] = ()
    vectors: Vectors | None = None
    opinions: Mapping[str, Mapping[str, NDArray[np.float32]]] = field(default_factory=dict)
    marks: Mapping[str, float] = field(default_factory=dict)
    suspended: Collection[str] = ()


Check = Callable[[Sequence[Row], Context], list[Verdict]]
"""Gives one verdict a row, in the rows' order; changes nothing.

A reason reads `category: detail`; statistics count categories, so a category holds no figure and no name.
"""


def context(
    spec: Spec, gold: Sequence[Gold], vectors: Vectors | None = None, marks: Mapping[str, float] | None = None
) -> Context:
    """The context of a spec: its gold rows, and its policy as instructions.

    Definitions of labels are not among the instructions: good ones speak in the domain's own words, and so do rows
    (of 4,722 real clauses, 318 share eight words in a row with a definition, 0 with the policy).
    """
    return Context(spec, gold, (spec.template("policy.md"),), vectors, marks=marks or {})


def asked(hygiene: Hygiene, checks: Iterable[str]) -> tuple[str, ...]:
    """Of some checks, those to be run: all but the opt-in ones that the spec leaves out."""
    fresh = Hygiene()
    return tuple(
        name for name in checks if name not in Hygiene.unsaid or getattr(hygiene, name) != getattr(fresh, name)
    )


def unasked(check: str, rows: Sequence[Row], why: str = "the spec does not ask") -> list[Verdict]:
    """Verdicts of a check that concerns no row at all."""
    return [not_asked(check, why) for _ in rows]


def unit_vectors(texts: Sequence[str], context: Context, check: str) -> NDArray[np.float32]:
    """An encoder's vectors scaled to length 1, float32 [texts, hidden].

    Raises:
        FactoryError: the context has no encoder.
    """
    if context.vectors is None:
        raise FactoryError(
            f"The check {check} compares vectors, and nothing here makes them.",
            where=f"{context.spec.name}: hygiene.{check}",
            fix="Give the context `vectors`, such as an Encoder's.",
        )
    found = np.asarray(context.vectors(texts), np.float32)
    unit: NDArray[np.float32] = found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-9)
    return unit


def believed(row: Row) -> str:
    """The label that is most likely as far as anybody knows; ties by name."""
    return min(row.distribution().items(), key=lambda item: (-item[1], item[0]))[0]


def invented(row: Row) -> bool:
    """Whether a teacher wrote the text. Real text is what it is: checks of style do not ask it anything."""
    return row.origin == "generated"


def spared(verdict: Verdict) -> Verdict:
    """The verdict of a suspended check: reason and score stay, and it drops nothing."""
    if verdict.passed:
        return verdict
    return verdict.model_copy(update={"passed": True, "reason": f"not dropped on the judge's word: {verdict.reason}"})


def not_asked(check: str, why: str = "real text") -> Verdict:
    """The verdict on a row that a check does not concern."""
    return Verdict(check=check, passed=True, reason=f"not asked: {why}")
