"""What is compared: texts and what a specialist said of them, from the rows it was made from or from production."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from factory.strata import stratum_of
from zoo.manifest import CLASSIFICATION, GENERATION, SPANS

LABELS, CONFIDENCE, TEXTS, CORRECTIONS = "labels", "confidence", "texts", "corrections"
"""What may be tested, by name."""


@dataclass(frozen=True)
class Sample:
    """One side of the comparison.

    Attributes:
        what: where it comes from, for people.
        labels: of each answer what it says (`said_by`).
        confidences: of each answer that has one, how sure it was.
        texts: those that are known.
        lacks: test to why it can't be made with this sample.
    """

    what: str
    labels: list[str] = field(default_factory=list)
    confidences: list[float] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    lacks: Mapping[str, str] = field(default_factory=dict)


def said_by(answer: Mapping[str, Any]) -> str | None:
    """What of an answer is counted: the label; which types of spans or which fields there are; None of words.

    Args:
        answer: as the audit log holds it (zoo.audit.answers.described).
    """
    kind = answer["kind"]
    if kind == CLASSIFICATION:
        return str(answer["label"])
    if kind == SPANS:
        return stratum_of(span["label"] for span in answer["spans"])
    return None if kind == GENERATION else stratum_of(answer["values"])


def confidence_of(answer: Mapping[str, Any]) -> float | None:
    """How sure an answer is: its confidence or score, of spans that of the least sure one; None where it has none."""
    if answer["kind"] == SPANS:
        scores = [float(span["score"]) for span in answer["spans"] if span["score"] is not None]
        return min(scores, default=None)
    value = answer["confidence" if answer["kind"] == CLASSIFICATION else "score"]
    return None if value is None else float(value)
