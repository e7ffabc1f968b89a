"""A stretch of a text, and what it is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Mark:
    """A stretch of a text, and what it is, whoever says so.

    Attributes:
        label: the type, one of the specialist's labels.
        start, end: where it stands, `text[start:end]`, in Unicode code points.
        text: the words there.
    """

    label: str
    start: int
    end: int
    text: str


def marked(text: str, start: int, end: int, label: str) -> Mark:
    """The mark of a place of a text."""
    return Mark(label, start, end, text[start:end])
