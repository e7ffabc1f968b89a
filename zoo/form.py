"""What a value of a record looks like, and whether one does."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

TYPES = ("quote", "text", "date", "duration", "number", "boolean", "choice")
DATE = r"^([0-9]{4}|XXXX)-(0[1-9]|1[0-2]|XX)-(0[1-9]|[12][0-9]|3[01]|XX)$"
"""A day as ISO 8601 writes it; what is not said is X, as ISO 8601-2:2019 (EDTF, level 1) has it: `2003-05-XX`."""
DURATION = r"^P[1-9][0-9]*[YMWD]$"
"""Years, months, weeks or days, one of them, as ISO 8601 writes them: `P60D`."""
_PATTERNS = {"date": re.compile(DATE), "duration": re.compile(DURATION)}
_IN_WORDS = {
    "quote": "words copied from the text",
    "text": "words",
    "date": "a date as YYYY-MM-DD, XX or XXXX for what is not said",
    "duration": "an ISO 8601 duration: P1Y, P6M, P2W or P60D",
    "number": "a number",
    "boolean": "true or false",
}


class Formed(Protocol):
    """What says how a value looks: a Form, or whatever has its attributes beside others."""

    @property
    def type(self) -> str: ...  # noqa: D102
    @property
    def required(self) -> bool: ...  # noqa: D102
    @property
    def many(self) -> bool: ...  # noqa: D102
    @property
    def values(self) -> Sequence[str]: ...  # noqa: D102


@dataclass(frozen=True)
class Form:
    """What a field's value looks like.

    Attributes:
        type: `quote` and `text` are strings; `date` is `YYYY-MM-DD`, XX or XXXX for what is not said; `duration` a
            whole number of Y, M, W or D as ISO 8601 writes it: `P60D`; `number`, `boolean`; `choice` one of values.
        required: never absent.
        many: a list of such values, one or more.
        values: of a choice, all there are; of a date or a duration, what it may be besides.
    """

    type: str
    required: bool = False
    many: bool = False
    values: tuple[str, ...] = ()

    @classmethod
    def of(cls, name: str, raw: Any) -> Form:
        """From its JSON value, whose other keys are ignored; raises ValueError or TypeError naming the field."""
        if not isinstance(raw, dict):
            raise TypeError(f"fields.{name} is an object")
        kind, values = raw.get("type"), raw.get("values", [])
        if kind not in TYPES:
            raise ValueError(f"fields.{name} is of the type {kind!r}, and this zoo knows {', '.join(TYPES)}")
        if not (isinstance(values, list) and all(isinstance(one, str) and one for one in values)):
            raise TypeError(f"fields.{name}.values is a list of texts")
        if kind == "choice" and not values:
            raise ValueError(f"fields.{name} is a choice without values")
        return cls(kind, raw.get("required") is True, raw.get("many") is True, tuple(values))


def in_words(form: Formed) -> str:
    """What a value looks like, for models and people."""
    words = f"one of: {', '.join(form.values)}" if form.type == "choice" else _IN_WORDS[form.type]
    if form.values and form.type != "choice":
        words += f", or {' or '.join(form.values)}"
    return f"a list: {words}" if form.many else words


def fits(form: Formed, value: Any) -> bool:
    """Whether a JSON value looks so. That a date is a day there is, and a quotation in the text, is not asked here."""
    if form.many:
        return isinstance(value, list) and bool(value) and all(_one(form, item) for item in value)
    return _one(form, value)


def _one(form: Formed, value: Any) -> bool:
    if form.type == "boolean":
        return isinstance(value, bool)
    if form.type == "number":
        return isinstance(value, int | float) and not isinstance(value, bool)
    if not isinstance(value, str):
        return False
    if form.type in ("quote", "text"):
        return bool(value)
    pattern = _PATTERNS.get(form.type)
    return value in form.values or (pattern is not None and bool(pattern.fullmatch(value)))
