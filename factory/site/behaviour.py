"""Which answers changed from a version to the next: those the stage `publish` kept of the older, beside the newer's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from factory.evidence.decision import Decision, Known, Truth, Worded
from factory.evidence.predictions import Prediction, file_of, read_predictions
from factory.lineage.ledger import Ledger
from factory.record import written
from factory.stage import inputs_of
from zoo.names import Version

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


def between(root: Path, book: Ledger, version: Version, who: str, texts: Mapping[str, str]) -> Behaviour | None:
    """What the publishing of a version left of this, among the builds; None where there is nothing.

    Args:
        root: the specialist's build folder.
        book: its ledger.
        version: the newer one.
        who: how records call it.
        texts: gold texts by id.

    Raises:
        DataError: files that can't be read.
    """
    made = [one for one in book.entries if (one.stage, one.version) == ("publish", str(version))]
    for entry in reversed(made):
        folder = root / entry.stage / entry.key
        if not (folder / "published.jsonl").is_file():
            continue
        stage, _, key = str(inputs_of(folder).get("evaluate", "")).partition(":")
        ours = root / stage / key / file_of(who)
        if ours.is_file():
            older, newer = read_predictions(folder / "published.jsonl"), read_predictions(ours)
            return _compare(older.who, {one.id: one for one in older.items}, newer.items, texts)
    return None


def _compare(
    beside: str, older: Mapping[str, Prediction], newer: tuple[Prediction, ...], texts: Mapping[str, str]
) -> Behaviour:
    found: dict[Kind, list[Example]] = {kind: [] for kind in KINDS}
    both = [one for one in newer if one.id in older]
    for after in sorted(both, key=lambda one: one.id):
        before = older[after.id]
        text = texts.get(after.id, "")
        was, became = _words(before.predicted, text), _words(after.predicted, text)
        if was == became or (before.right and after.right):
            continue
        kind: Kind = "right now" if after.right else "wrong now" if before.right else "wrong both times"
        found[kind].append(Example(after.id, text, _words(after.gold, text), was, became))
    counts = {kind: len(examples) for kind, examples in found.items()}
    return Behaviour(beside, len(both), counts, {kind: examples[:SHOWN] for kind, examples in found.items()})


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
