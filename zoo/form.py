"""What a value of a record looks like."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

TYPES = ("quote", "text", "date", "duration", "number", "boolean", "choice")


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
