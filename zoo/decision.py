"""What a cascade says about a text, by its specialist's kind: what was answered, by whom, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from zoo.mark import Mark
from zoo.record import Value

Reason = Literal[
    "answered", "unsure_escalated", "fallback_unsure", "fallback_invalid", "fallback_refused", "fallback_down",
    "circuit_open", "budget_spent", "fallback_busy",
]  # fmt: skip
"""Why a decision is what it is; see Decision."""


@dataclass(frozen=True, kw_only=True)
class Label:
    """A label, whoever gave it.

    Attributes:
        label: the answer.
        confidence: its calibrated probability by the specialist that gave it; None: an endpoint or a function did.
        scores: what the first specialist makes of every label, whoever answered; None unless asked for.
    """

    label: str
    confidence: float | None = None
    scores: Mapping[str, float] | None = field(default=None, hash=False)


@dataclass(frozen=True, kw_only=True)
class Marks:
    """What stands in a text, whoever found it.

    Attributes:
        spans: by start; none overlap. Those of a specialist are zoo.Span, with a score; those that an endpoint or a
            function found are zoo.Mark, without.
    """

    spans: tuple[Mark, ...]


@dataclass(frozen=True, kw_only=True)
class Record:
    """What was read out of a text, whoever read it.

    Attributes:
        values: as of zoo.Extracted.
        score, scores: of the specialist that gave them, as of zoo.Extracted; None: an endpoint or a function did.
    """

    values: Mapping[str, Value] = field(hash=False)
    score: float | None = None
    scores: Mapping[str, float] | None = field(default=None, hash=False)


@dataclass(frozen=True, kw_only=True)
class Words:
    """What was written to a text, whoever wrote it.

    Attributes:
        text: the answer.
        score: of the specialist that wrote it, as of zoo.Written; None: an endpoint or a function did.
    """

    text: str
    score: float | None = None


Content = Label | Marks | Record | Words


@dataclass(frozen=True, kw_only=True)
class Decision:
    """Of what kind it is, its class says: LabelDecision, SpansDecision, RecordDecision or WordsDecision.

    Attributes:
        unsure: nobody was sure, or who would have been asked could not be: the answer is the best guess there is, and
            nobody stands for it. Ask a person.
        reason: why. Of answers:
            `answered`: the specialist was sure;
            `unsure_escalated`: it was not, and the next tier answered.
            Of guesses, where it was not sure and
            `fallback_unsure`: the next tier was not either;
            `fallback_invalid`: its reply was no answer: no label, nothing that stands in the text, not by the fields;
            `fallback_refused`: it would not take this text;
            `fallback_down`: it did not answer in time, or with an error;
            `circuit_open`: it has failed so often that it is left alone for a while;
            `budget_spent`: no more may be asked of it;
            `fallback_busy`: too many texts waited for it (of `zoo serve` alone).
        tier: who gave the answer: `finance/sentiment@1.0.0`, an endpoint's model, a function's name.
        seconds: how long it took: the specialist's share of the batch, and of what was passed on the tier's answer.
        detail: what went wrong, for people and logs; empty where nothing did. It may hold words of an endpoint's reply.
    """

    unsure: bool
    reason: Reason
    tier: str
    seconds: float
    detail: str = ""


# What was answered is the second base, so that its fields come first where a decision is printed.


@dataclass(frozen=True, kw_only=True)
class LabelDecision(Decision, Label):
    """What a cascade of classifiers says about a text."""


@dataclass(frozen=True, kw_only=True)
class SpansDecision(Decision, Marks):
    """What a cascade of taggers says about a text.

    The next tier is asked where the specialist is not sure of a span. What it is sure of stays, beside what the tier
    finds elsewhere in the text.
    """


@dataclass(frozen=True, kw_only=True)
class RecordDecision(Decision, Record):
    """What a cascade of extractors says about a text."""


@dataclass(frozen=True, kw_only=True)
class WordsDecision(Decision, Words):
    """What a cascade of writers says to a text."""
