"""What people said of a gold row, and what somebody answers to it, by kind of task."""

from __future__ import annotations

import json

from pydantic import BaseModel, ConfigDict

from factory.record import Record, written
from factory.row import Gold, Kind
from factory.span import Span, Spans

Decision = str | Spans | Record
"""An answer: a label or words, spans, or a record."""


class Known(BaseModel):
    """What people read out of a text.

    Attributes:
        record: field to value.
        told: the fields that they spoke of; None: all, and what is not in the record the text does not have.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    record: Record
    told: tuple[str, ...] | None = None


class Worded(BaseModel):
    """What people answered to a text in words: one good answer of many."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    answer: str


Truth = str | Spans | Known | Worded
"""What people said: a label, spans, a record, or words."""


def truth(row: Gold) -> Truth:
    """What people said of a gold row."""
    if row.answer is not None:
        return Worded(answer=row.answer)
    if row.record is not None:
        return Known(record=row.record, told=row.told)
    return row.label if row.spans is None else row.spans


def kind_of(one: Truth) -> Kind:
    """The kind of task of which this is the truth."""
    if isinstance(one, Worded):
        return "generation"
    if isinstance(one, Known):
        return "extraction"
    return "classification" if isinstance(one, str) else "spans"


def said(one: Truth) -> str:
    """It in one string, for hashes: the label or the words, or spans and records as JSON text."""
    if isinstance(one, Worded):
        return one.answer
    if isinstance(one, Known):
        return written(one.record) if one.told is None else json.dumps([written(one.record), sorted(one.told)])
    if isinstance(one, str):
        return one
    return json.dumps([[span.start, span.end, span.label] for span in sorted(one, key=_start)])


def _start(span: Span) -> int:
    return span.start
