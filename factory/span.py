"""Named stretches of a text: as offsets, as tags within the text, and as claims that have yet to be found in it.

Tags are those of XML, `<Disease>stress incontinence</Disease>`: every teacher has seen them, even a small one closes
what it opened, and they say where a stretch begins and ends. Offsets are counted here, never by a teacher.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from factory.strata import stratum_of
from zoo import claims as claimed
from zoo.claims import Claim, Refused, Stretch, touch
from zoo.words import inside_a_word

TYPE = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
"""What a type may be called: it is written as a tag."""

_TAG = re.compile(rf"<(/?)({TYPE.pattern})\s*>")
_BEGUN = re.compile(r"<(?=[A-Za-z/])")
_ENTITY = re.compile(r"&(lt|gt|amp);")
_MEANS = {"lt": "<", "gt": ">", "amp": "&"}


class Span(BaseModel):
    """A named stretch of a text.

    Attributes:
        start, end: the stretch is `text[start:end]`, counted in Unicode code points.
        label: what it is, one of the spec's labels.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    start: int = Field(ge=0)
    end: int = Field(ge=1)
    label: str

    @model_validator(mode="after")
    def _not_empty(self) -> Span:
        if self.end <= self.start:
            raise ValueError(f"a span must end after it starts: [{self.start}, {self.end})")
        return self


Spans = tuple[Span, ...]
Overlaps = Literal["refused", "shorter"]
"""What becomes of a gold row's spans that overlap: it is refused, or the shorter one stays (`apart`)."""


def plain(found: Iterable[Stretch]) -> Spans:
    """The spans alone."""
    return tuple(Span(start=one.start, end=one.end, label=one.label) for one in found)


def mark(text: str, spans: Sequence[Span]) -> str:
    """The text with its spans as tags; `strip` gives both back exactly.

    A `<` or `&` of the text's own is escaped where it could be taken for a tag or an escape.

    Raises:
        ValueError: the spans are not sound (`problem`).
    """
    if reason := problem(text, spans):
        raise ValueError(reason)
    parts, at = [], 0
    for span in sorted(spans, key=lambda span: span.start):
        parts += [_escape(text[at : span.start]), f"<{span.label}>", _escape(text[span.start : span.end])]
        parts.append(f"</{span.label}>")
        at = span.end
    return "".join([*parts, _escape(text[at:])])


def strip(marked: str, labels: Iterable[str] | None = None) -> tuple[str, Spans, str]:
    """A marked text's plain text and spans.

    Args:
        marked: a text with tags.
        labels: the types there are, by whose names tags are known whatever their case; None: any tag is a type.

    Returns:
        text, spans by start, and an empty string; or two empty values and why it can't be read: unknown, nested,
        unclosed, stray, broken or empty tags.
    """
    known = None if labels is None else {label.casefold(): label for label in labels}
    parts: list[str] = []
    spans: list[Span] = []
    begun: tuple[str, int] | None = None
    at = length = 0

    def take(piece: str) -> str:
        nonlocal length
        if broken := _BEGUN.search(piece):
            return f"broken tag: {piece[broken.start() :][:40]!r}"
        parts.append(_ENTITY.sub(lambda found: _MEANS[found[1]], piece))
        length += len(parts[-1])
        return ""

    for tag in _TAG.finditer(marked):
        if reason := take(marked[at : tag.start()]):
            return "", (), reason
        at = tag.end()
        label = tag[2] if known is None else known.get(tag[2].casefold())
        if label is None:
            return "", (), f"unknown type: {tag[2]!r}"
        if not tag[1]:
            if begun is not None:
                return "", (), f"nested tags: {label} in {begun[0]}"
            begun = label, length
        elif begun is None or begun[0] != label:
            return "", (), f"stray tag: {tag[0]} closes nothing"
        elif begun[1] == length:
            return "", (), f"empty tag: {label}"
        else:
            spans.append(Span(start=begun[1], end=length, label=label))
            begun = None
    if begun is not None:
        return "", (), f"unclosed tag: {begun[0]}"
    if reason := take(marked[at:]):
        return "", (), reason
    return "".join(parts), tuple(spans), ""


def locate(
    text: str, claims: Iterable[Claim], labels: Collection[str], taken: Spans = ()
) -> tuple[Spans, list[Refused]]:
    """As zoo.claims.locate does, in spans."""
    found, refused = claimed.locate(text, claims, labels, taken)
    return plain(found), refused


def problem(text: str, spans: Iterable[Span], labels: Collection[str] | None = None) -> str:
    """Why spans are not sound ones of a text, as `category: detail`; empty if they are.

    Args:
        text: the text.
        spans: in any order.
        labels: the types there are; None: any.
    """
    before: Span | None = None
    for span in sorted(spans, key=lambda span: span.start):
        if labels is not None and span.label not in labels:
            return f"unknown type: {span.label!r} is not one of the spec's"
        if span.end > len(text):
            return f"out of bounds: [{span.start}, {span.end}) of {len(text)} characters"
        if before is not None and touch(before, span):
            return f"overlapping spans: {text[before.start : before.end]!r} and {text[span.start : span.end]!r}"
        before = span
    return ""


def apart(spans: Iterable[Span], labels: Sequence[str]) -> list[Span]:
    """Those that stay where spans overlap, the shortest first.

    Of two that are as long the one stays whose type comes first in `labels`; of one type, the first. A type that is not
    in `labels` comes last.
    """
    order = {label: place for place, label in enumerate(labels)}
    found: list[Span] = []
    for span in sorted(spans, key=lambda one: (one.end - one.start, order.get(one.label, len(order)), one.start)):
        if not any(touch(span, other) for other in found):
            found.append(span)
    return found


def ragged(text: str, spans: Iterable[Span]) -> str:
    """Why a span does not begin and end as words do, as `category: detail`; empty if all do."""
    for span in spans:
        said = text[span.start : span.end]
        if said != said.strip():
            return f"white space at the end: {said!r}"
        if inside_a_word(text, span.start) or inside_a_word(text, span.end):
            return f"part of a word: {said!r}"
    return ""


def stratum(spans: Iterable[Span], labels: Iterable[str] = ()) -> str:
    """Which types there are in a text: `Chemical + Disease`, in the labels' order or by name; `none` for none."""
    return stratum_of({span.label for span in spans}, labels)


def _escape(text: str) -> str:
    return _BEGUN.sub("&lt;", _ENTITY.sub(lambda found: f"&amp;{found[1]};", text))
