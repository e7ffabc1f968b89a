"""Opponents of a student that answers in words: what the text itself offers, without understanding it."""

from __future__ import annotations

import re

_END = re.compile(r"(?<=[.?!])\s+|\n+")


def sentences(text: str) -> list[str]:
    """A text's sentences, cut after `.`, `?`, `!` and at ends of lines; one or more, unless the text is blank."""
    return [one.strip() for one in _END.split(text) if one.strip()]


def lead(text: str, words: int) -> str:
    """The text's first words, at most so many: the usual baseline for summaries."""
    return " ".join(text.split()[:words])


def question(text: str) -> str:
    """The longest sentence that ends in a question mark, the first of equals; where none does, the first sentence."""
    found = sentences(text)
    return max((one for one in found if one.endswith("?")), key=len, default=found[0] if found else "")
