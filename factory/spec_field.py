"""One field of the records that a specialist of kind `extraction` reads out of texts: a part of its spec."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Literal

from pydantic import Field as Key
from pydantic import model_validator

from factory.spec_part import Part
from zoo.form import DATE, DURATION, in_words

DIALECT = "https://json-schema.org/draft/2020-12/schema"
FieldType = Literal["quote", "text", "date", "duration", "number", "boolean", "choice"]

_SCHEMA: Mapping[str, dict[str, Any]] = {
    "quote": {"type": "string", "minLength": 1},
    "text": {"type": "string", "minLength": 1},
    "date": {"type": "string", "pattern": DATE},
    "duration": {"type": "string", "pattern": DURATION},
    "number": {"type": "number"},
    "boolean": {"type": "boolean"},
}
_MAY_HAVE_VALUES = ("choice", "date", "duration")
_MADE_UP = ("date", "duration", "boolean", "choice")
"""Types whose values the strategy `drawn` makes up (factory.generate.strategies.draw)."""


class Field(Part):
    """A field of a record.

    Attributes:
        definition: what it holds, and what it does not, for teachers and reviewers.
        type: `quote`, words that stand in the text; or a value made of them: `text` (words of one's own), `date`,
            `duration`, `number`, `boolean`, `choice`.
        required: every text has it.
        many: a list of such values, in no order that matters.
        values: of a choice, all there are; of a date or a duration, what it may be besides: `[perpetual]`.
        samples: values that texts are written around by the strategy `drawn`, which makes up dates, durations, choices
            and booleans where none are given; a teacher that invents names repeats those it was shown.
    """

    unsaid = ("samples",)

    definition: str
    type: FieldType
    required: bool = False
    many: bool = False
    values: list[str] = Key(default_factory=list)
    samples: list[bool | int | float | str] = Key(default_factory=list)

    @model_validator(mode="after")
    def _sound(self) -> Field:
        if self.values and self.type not in _MAY_HAVE_VALUES:
            raise ValueError(f"`values` goes with the types {', '.join(_MAY_HAVE_VALUES)}, not with {self.type}")
        if self.type == "choice" and len(set(self.values)) < 2:
            raise ValueError("a choice needs `values`: two or more, each once")
        if len({value.casefold() for value in self.values}) < len(self.values) or not all(self.values):
            raise ValueError("`values` are words that differ by more than case")
        if self.many and self.type == "boolean":
            raise ValueError("a boolean is true or false: `many` of them say nothing")
        if self.samples:
            from jsonschema import Draft202012Validator  # takes as long as the rest of this package

            sound = Draft202012Validator(self._one_schema)
            if unfit := [one for one in self.samples if not sound.is_valid(one)]:
                raise ValueError(f"`samples`: {unfit[0]!r} is no {self.type}")
        return self

    @property
    def drawable(self) -> bool:
        """Whether values can be drawn for the strategy `drawn`."""
        return bool(self.samples) or self.type in _MADE_UP

    @property
    def value_schema(self) -> dict[str, Any]:
        """JSON schema of the value."""
        one = self._one_schema
        return {"type": "array", "items": one, "minItems": 1} if self.many else dict(one)

    @property
    def _one_schema(self) -> dict[str, Any]:
        one = _SCHEMA.get(self.type, {"enum": list(self.values)})
        return {"anyOf": [one, {"enum": list(self.values)}]} if self.values and self.type != "choice" else one

    @property
    def form(self) -> str:
        """What a value looks like, in words, for teachers and reviewers."""
        return in_words(self)


def record_schema(fields: Mapping[str, Field]) -> dict[str, Any]:
    """The JSON schema (draft 2020-12) of a record: a field that the text does not have is left out."""
    return {
        "$schema": DIALECT,
        "type": "object",
        "properties": {name: {"description": field.definition, **field.value_schema} for name, field in fields.items()},
        "required": [name for name, field in fields.items() if field.required],
        "additionalProperties": False,
    }


def reply_schema(fields: Mapping[str, Field], wanted: Collection[str] = ()) -> dict[str, Any]:
    """What a teacher's record is held to: a decision for every field, null where the text does not have it.

    Args:
        fields: the spec's.
        wanted: fields that must not be null, besides the required ones.
    """

    def told(name: str, field: Field) -> dict[str, Any]:
        schema = field.value_schema
        return schema if field.required or name in wanted else {"anyOf": [schema, {"type": "null"}]}

    properties = {name: told(name, field) for name, field in fields.items()}
    return {"type": "object", "properties": properties, "required": list(fields), "additionalProperties": False}
