"""Whether two answers to one text are the same, and what each is called in a count of differences."""

from __future__ import annotations

from typing import Any

from zoo.extractor import Extracted
from zoo.writer import Written


def agree(one: Any, other: Any) -> bool:
    """Whether two answers of a kind say the same, however sure they are.

    Labels: the same label. Spans: the same types at the same places. Records: the same values. Words: the same, but for
    white space; models that write seldom agree so closely, so say there what is to count as the same.
    """
    return bool(_said(one) == _said(other))


def gist(answer: Any) -> str:
    """An answer in a word or two: its label; the types of its spans; the fields of its record; `words` of any words."""
    if isinstance(answer, list):
        return " + ".join(sorted({span.label for span in answer})) or "none"
    if isinstance(answer, Extracted):
        return " + ".join(sorted(answer.values)) or "none"
    return "words" if isinstance(answer, Written) else str(answer.label)


def _said(answer: Any) -> object:
    if isinstance(answer, list):
        return sorted((span.start, span.end, span.label) for span in answer)
    if isinstance(answer, Extracted):
        return dict(answer.values)
    return answer.text.split() if isinstance(answer, Written) else answer.label
