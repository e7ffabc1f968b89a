"""Texts that a teacher writes with their spans marked: of each type, of pairs of types, and without any."""

from __future__ import annotations

import re

from factory.generate.replies import parse_rows
from factory.generate.strategies.cell import Cell
from factory.generate.strategies.holding import Holding, HoldingFewShot
from factory.generate.strategies.strategy import Draft
from factory.row import Row
from factory.span import locate, mark, strip
from factory.spec import Spec
from factory.spec_declared import Example
from zoo.claims import Claim

_INNER_SPACE = re.compile(r"(<[A-Za-z][\w-]*\s*>)(\s+)|(\s+)(</[A-Za-z][\w-]*\s*>)")


class Marked(Holding):
    """Texts by the types of their spans."""

    name = "marked"
    axis = "types"

    def read(self, cell: Cell, reply: str) -> tuple[list[Draft], str]:
        """The texts whose tags can be read; words that are marked once are marked wherever they stand."""
        texts, failure = parse_rows(reply)
        drafts, unread = [], []
        for marked in texts:
            draft, reason = _draft(cell, marked)
            if draft:
                drafts.append(draft)
            else:
                unread.append(reason)
        if unread:
            failure = "; ".join(
                [*filter(None, [failure]), f"{len(unread)} texts whose tags can't be read: {unread[0]}"]
            )
        return drafts, failure

    def _example(self, example: Example) -> str:
        return example.text

    def _row(self, row: Row, spec: Spec) -> str:
        return mark(row.text, row.spans or ())


class MarkedFewShot(Marked, HoldingFewShot):
    """The same after rows that people marked, which are shown with their marks."""

    name = "marked_few_shot"


def _draft(cell: Cell, marked: str) -> tuple[Draft | None, str]:
    """What a marked text says, or why it can't be read; whether its types are the spec's is for hygiene to say.

    White space goes out of the tags, and a word marked in one place of a text and left bare in another is marked there
    too: people did so in all but one of 2,000 sentences (medical/entities, reviewed.jsonl), teachers forget.
    """
    moved = _INNER_SPACE.sub(lambda found: f" {found[1]}" if found[1] else f"{found[4]} ", marked)
    text, spans, reason = strip(" ".join(moved.split()))
    if reason or not text.strip():
        return None, reason or "empty text: nothing but tags"
    claims = [Claim(text[span.start : span.end], span.label) for span in spans]
    every, _ = locate(text, claims, {span.label for span in spans}, taken=spans)
    return Draft(text, cell.label, every), ""
