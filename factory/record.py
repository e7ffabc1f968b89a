"""What was read out of a text, as zoo.record has it, and how two records, or a record and its text, compare."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from factory.spec_field import Field
from zoo.record import NO_RECORD, Record, Scalar, Value, listed, plain, quoted, read, settle

__all__ = ["NO_RECORD", "Fields", "Record", "Scalar", "Value", "plain", "problem", "quoted", "read", "same", "settle"]
__all__ += ["written"]

Fields = Mapping[str, Field]
_WORDS = re.compile(r"\w+")


def problem(fields: Fields, text: str, record: Record, *, whole: bool = True) -> str:
    """Why a record does not hold, as `category: detail`; empty if it does.

    Args:
        whole: required fields must be there. They need not where people told of some fields only.
    """
    if not whole:
        fields = {name: field.model_copy(update={"required": False}) for name, field in fields.items()}
    settled, reason = settle(fields, text, record)
    return reason or ("" if settled == record else "not in its one form: quotations or lists differ from the text's")


def same(one: Value | None, other: Value | None) -> bool:
    """Whether two values say the same: words whatever their case and punctuation, lists whatever their order."""
    if one is None or other is None:
        return one is other
    if isinstance(one, list) or isinstance(other, list):
        return {_key(item) for item in listed(one)} == {_key(item) for item in listed(other)}
    return bool(_key(one) == _key(other))


def written(record: Record) -> str:
    """A record as JSON text; the same text for the same record."""
    return json.dumps(record, ensure_ascii=False, sort_keys=True)


def _key(value: Scalar) -> Any:
    if not isinstance(value, str):
        return value
    return tuple(_WORDS.findall(value.casefold())) or value.casefold().strip()
