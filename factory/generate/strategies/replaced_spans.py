"""A row's spans with other words: mention replacement (Dai & Adel 2020)."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence

from factory.row import Row
from factory.span import Span, Spans

Words = Mapping[str, Sequence[str]]
"""Type to words that spans of it have."""


def words_of(rows: Iterable[Row]) -> Words:
    """The words of these rows' spans, as often as they stand there: what is said often is drawn often."""
    found: dict[str, list[str]] = {}
    for row in rows:
        for span in row.spans or ():
            found.setdefault(span.label, []).append(row.text[span.start : span.end])
    return found


def replaced_spans(row: Row, words: Words, chance: random.Random) -> tuple[str, Spans] | None:
    """A row's text with other words of the same type in each of its spans, and where these stand; None: it has no span
    that there are others for.

    Spans of a row that have the same words have the same ones after it. Whoever writes in small letters writes all
    names so: where the old words have none but these, so do the new ones.

    Args:
        row: people's.
        words: what there is to draw from; a span's own words are not drawn.
        chance: what decides.
    """
    drawn: dict[tuple[str, str], str] = {}
    parts, spans, at, length = list[str](), list[Span](), 0, 0
    for span in sorted(row.spans or (), key=lambda one: one.start):
        old = row.text[span.start : span.end]
        same = (span.label, old.casefold())
        if same not in drawn:
            others = [new for new in words.get(span.label, ()) if new.casefold() != same[1]]
            drawn[same] = chance.choice(others) if others else old
        new = drawn[same].lower() if old.islower() else drawn[same]
        parts += [row.text[at : span.start], new]
        start = length + span.start - at
        length, at = start + len(new), span.end
        spans.append(Span(start=start, end=length, label=span.label))
    text = "".join([*parts, row.text[at:]])
    return (text, tuple(spans)) if text.casefold() != row.text.casefold() else None
