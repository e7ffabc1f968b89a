"""The gate: what a student must show before it is published. A part of a spec."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import Field, model_validator

from factory.spec_part import Part

GATES: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "classification": (("accuracy", "macro_f1"), ("tfidf", "static", "majority")),
    "spans": (("span_f1",), ("features", "lexicon")),
    "extraction": (("field_f1",), ("nearest", "frequent")),
    "generation": (("rouge_l",), ("nearest", "lead", "question")),
}
"""Kind to the metrics that its gate may name, and to its baselines; the default first."""


Opponent = Literal[
    "teacher", "few_shot", "reviewed_only",
    "tfidf", "static", "majority", "features", "lexicon", "nearest", "frequent", "lead", "question",
]  # fmt: skip
"""Whom a gate may name: the baselines, the teacher, shown people's rows or not, and the student of these rows alone."""


class Requirement(Part):
    """One line of the gate.

    Attributes:
        better_than: an opponent (`teacher`, `few_shot`, `reviewed_only`, or a baseline of the kind: of labels `tfidf`,
            `static`, `majority`, of spans `features`, `lexicon`, of records `nearest`, `frequent`, of answers
            `nearest`, `lead`, `question`): the paired 95 % interval of the difference in `metric` must lie above zero.
        at_least: or a floor that the lower end of the metric's own 95 % interval must reach.
        metric: what is compared; `span_f1` of spans, strictly, `field_f1` of records, `rouge_l` of answers, the others
            of labels.
    """

    better_than: Opponent | None = None
    at_least: float | None = Field(default=None, ge=0.0, le=1.0)
    metric: Literal["accuracy", "macro_f1", "span_f1", "field_f1", "rouge_l"] = "accuracy"

    @model_validator(mode="after")
    def _one(self) -> Requirement:
        if (self.better_than is None) == (self.at_least is None):
            raise ValueError("say either better_than or at_least")
        return self
