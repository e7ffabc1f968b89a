"""What is read out of a text: a flat JSON object by its fields' forms, held against these and against the text.

A value that must be a quotation is sought in the text. That a date, a choice or words of one's own are the right ones,
and that nothing which the text says is left out, no machine can check here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from zoo.form import Formed, fits, in_words
from zoo.words import UNPRINTABLE, inside_a_word

Scalar = bool | int | float | str
Value = Scalar | list[Scalar]
Record = dict[str, Value]

NO_RECORD = "no record: a JSON object of plain values and lists of them is asked for"
LARGEST = 2**53
"""Beyond it a number is not the same for all who read JSON (RFC 8259, section 6)."""
_FULL_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def read(said: str) -> tuple[Record | None, str]:
    """A record from JSON text, or None and why it is none."""
    try:
        value = json.loads(said)
    except (ValueError, RecursionError):  # RecursionError: brackets nested without end
        return None, "not JSON: cut off or malformed"
    found = plain(value)
    return found, "" if found is not None else NO_RECORD


def plain(value: Any) -> Record | None:
    """A JSON value as a record: null and what is empty left out, strings stripped; None if it is no flat object.

    Neither are objects whose strings can't be written to a file or shown, and numbers that not all readers share.
    """
    if not isinstance(value, dict):
        return None
    found: Record = {}
    for name, one in value.items():
        if one is None or one == [] or (isinstance(one, str) and not one.strip()):
            continue
        made = [_scalar(item) for item in one] if isinstance(one, list) else _scalar(one)
        if UNPRINTABLE.search(name) or made is None or (isinstance(made, list) and None in made):
            return None
        found[name] = made  # type: ignore[assignment]  # None is out
    return found


def settle(fields: Mapping[str, Formed], text: str, said: Record) -> tuple[Record, str]:
    """A record in its one form, if it holds: fields in their order, quotations as the text has them.

    Args:
        fields: what each value looks like.
        text: what the record was read out of.
        said: by whomever.

    Returns:
        The record and an empty string; or what was said, untouched, and why it does not hold: `category: detail`.
    """
    if reason := _unfit(fields, said):
        return said, reason
    settled: Record = {}
    for name, field in fields.items():
        if name not in said:
            continue
        value = said[name]
        values = list(value) if isinstance(value, list) else [value]
        if field.type == "quote":
            quotes = [(one, quoted(text, str(one))) for one in values]
            if missing := [one for one, place in quotes if place is None]:
                return said, f"not in the text: {name}: {str(missing[0])[:60]!r}"
            values = [text[slice(*place)] for _, place in sorted(quotes, key=lambda item: item[1] or ()) if place]
        elif field.many:
            values.sort(key=str)
        settled[name] = list(dict.fromkeys(values)) if isinstance(value, list) else values[0]
    return settled, ""


def quoted(text: str, words: str) -> tuple[int, int] | None:
    """Where words stand in a text as whole words: to the letter, else whatever their case and white space."""
    said = words.split()
    if not said or len(" ".join(said)) > len(text):
        return None
    loose = r"\s+".join(map(re.escape, said))
    for pattern in (re.compile(re.escape(words)), re.compile(loose, re.IGNORECASE)):
        at = pattern.search(text)
        while at:
            if not inside_a_word(text, at.start()) and not inside_a_word(text, at.end()):
                return at.span()
            at = pattern.search(text, at.start() + 1)
    return None


def _unfit(fields: Mapping[str, Formed], said: Record) -> str:
    """How a record does not fit the fields' schema."""
    if unknown := [name for name in said if name not in fields]:
        return f"unknown field: {unknown[0][:60]!r}; there are {', '.join(fields)}"
    if missing := [name for name, field in fields.items() if field.required and name not in said]:
        return f"missing field: {missing[0]}"
    for name, value in said.items():
        if not fits(fields[name], value):
            return f"not by the schema: {name} is {str(value)[:60]!r}, not {in_words(fields[name])}"
        for one in listed(value):
            if str(one) != str(one).strip():
                return f"not by the schema: {name} begins or ends with white space"
            if fields[name].type == "date" and not _real(str(one)):
                return f"no such day: {name}: {one}"
    return ""


def _real(day: str) -> bool:
    if not _FULL_DATE.fullmatch(day):
        return True
    try:
        date.fromisoformat(day)
    except ValueError:
        return False
    return True


def _scalar(value: Any) -> Scalar | None:
    if isinstance(value, str):
        return None if UNPRINTABLE.search(value) else value.strip() or None
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float) and abs(value) <= LARGEST:
        return int(value) if value == int(value) else value
    return None


def listed(value: Value) -> Iterable[Scalar]:
    """The values of a list, or the one."""
    return value if isinstance(value, list) else [value]
