"""Which answers to gold rows changed from one system to the next: how many, in which way, and the first of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from factory.evidence.decision import Decision, Known, Truth, Worded
from factory.evidence.predictions import Predictions
from factory.record import written

SHOWN = 4
"""Examples a kind of change."""
SILENT = "(no answer)"
Kind = Literal["right now", "wrong now", "wrong both times"]
KINDS: tuple[Kind, ...] = ("right now", "wrong now", "wrong both times")


@dataclass(frozen=True)
class Example:
    """A gold row that is answered otherwise.

    Attributes:
        row: its id.
        text: empty where the gold rows are not at hand.
        gold, before, after: the decisions, in words.
    """

    row: str
    text: str
    gold: str
    before: str
    after: str


@dataclass(frozen=True)
class Behaviour:
    """What changed in the answers to gold rows.

    Attributes:
        beside: whose answers were compared with: `version 1.0.0`.
        asked: how many rows both answered.
        counts: how many answers of each kind changed. A row both answered rightly, each in its own words, is in none.
        examples: the first of each kind, by row.
    """

    beside: str
    asked: int
    counts: dict[Kind, int]
    examples: dict[Kind, list[Example]]


def compare(before: Predictions, after: Predictions, texts: Mapping[str, str]) -> Behaviour:
    """What changed from the answers of one system to those of the next.

    Args:
        before, after: answers; the rows that both answered are compared.
        texts: gold texts by id, for the examples; of rows that are not in it, spans are told by their places.
    """
    older = {one.id: one for one in before.items}
    found: dict[Kind, list[Example]] = {kind: [] for kind in KINDS}
    both = [one for one in after.items if one.id in older]
    for new in sorted(both, key=lambda one: one.id):
        old = older[new.id]
        text = texts.get(new.id, "")
        was, became = _words(old.predicted, text), _words(new.predicted, text)
        if was == became or (old.right and new.right):
            continue
        kind: Kind = "right now" if new.right else "wrong now" if old.right else "wrong both times"
        found[kind].append(Example(new.id, text, _words(new.gold, text), was, became))
    counts = {kind: len(examples) for kind, examples in found.items()}
    return Behaviour(before.who, len(both), counts, {kind: examples[:SHOWN] for kind, examples in found.items()})


def _words(one: Decision | Truth | None, text: str) -> str:
    """A decision for people: spans by the words they stand for, where the text is at hand."""
    if one is None:
        return SILENT
    if isinstance(one, str):
        return one
    if isinstance(one, Worded):
        return one.answer
    if isinstance(one, Known):
        return written(one.record)
    if isinstance(one, dict):
        return written(one)
    places = (f"“{text[span.start : span.end]}”" if text else f"{span.start}:{span.end}" for span in one)
    return ", ".join(f"{span.label} {place}" for span, place in zip(one, places, strict=True)) or "nothing"
