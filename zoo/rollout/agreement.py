"""Whether two answers to one text are the same, and what each is called in a count of differences."""

from __future__ import annotations

from typing import Any

from zoo.decision import RecordDecision, SpansDecision, WordsDecision
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
    said = _said(answer)
    if isinstance(said, list):
        return " + ".join(sorted({label for _, _, label in said})) or "none"
    if isinstance(said, dict):
        return " + ".join(sorted(said)) or "none"
    return "words" if isinstance(answer, Written | WordsDecision) else str(said)


def _said(answer: Any) -> object:
    if isinstance(answer, list | SpansDecision):
        spans = answer if isinstance(answer, list) else answer.spans
        return sorted((span.start, span.end, span.label) for span in spans)
    if isinstance(answer, Extracted | RecordDecision):
        return dict(answer.values)
    return " ".join(answer.text.split()) if isinstance(answer, Written | WordsDecision) else answer.label
