"""What a person answered in words, as a value of a field: gold rows of older corpora have answers, not records."""

from __future__ import annotations

import re
from datetime import datetime

from factory.record import Value, plain, settle
from factory.spec_field import Field

_ALIAS = re.compile(r"\s*\([^()]*[\"“”][^()]*\)")
_BLANK = re.compile(r"\[[\s*_]*\]")
_DAY = re.compile(r"(\d{1,2}|X)/(\d{1,2}|X)/(\d{4}|\d{2}|X)", re.ASCII)
_SPELL = re.compile(r"(\d+)\)?[ -]*(day|week|month|year)s?\b", re.IGNORECASE | re.ASCII)
_TRUTH = {"yes": True, "true": True, "no": False, "false": False}


def value_of(field: Field, answer: str) -> Value | None:
    """An answer as a value of a field, or None if it is none.

    Several are parted by semicolons, and lose what brackets say of their names: `ACME, Inc. ("Seller")`. Dates are ISO
    8601's or month/day/year as Americans write them, `[]` for what is not said, years of two digits by POSIX's rule
    (69 is 1969). Durations are ISO 8601's, or one number and one unit among other words: `successive 5-year terms`;
    twelve months are a year.
    """
    parts = answer.split(";") if field.many else [answer]
    values = [value for part in parts if (value := _one(field, " ".join(part.split()))) is not None]
    record = plain({"value": values if field.many else next(iter(values), None)})
    free = field.model_copy(update={"type": "text"}) if field.type == "quote" else field  # the text is not known here
    return record["value"] if record and not settle({"value": free}, "", record)[1] else None


def _one(field: Field, said: str) -> bool | int | float | str | None:
    for value in field.values:
        if said.casefold() == value.casefold():
            return value
    if field.type == "date":
        return _date(said)
    if field.type == "duration":
        return _duration(said)
    if field.type == "boolean":
        return _TRUTH.get(said.casefold())
    if field.type == "number":
        try:
            return float(said.replace(",", ""))
        except ValueError:
            return None
    words = _ALIAS.sub("", said).strip(" ,") if field.type == "quote" else said
    return words if re.search(r"\w", words) else None


def _date(said: str) -> str:
    found = _DAY.fullmatch(_BLANK.sub("X", said))
    if not found or set(found.groups()) == {"X"}:
        return said
    month, day, year = found.groups()
    if len(year) == 2:
        year = str(datetime.strptime(year, "%y").year)
    return "-".join((year.replace("X", "XXXX"), *(part.replace("X", "XX").zfill(2) for part in (month, day))))


def _duration(said: str) -> str:
    found = _SPELL.findall(said)
    if len(found) != 1:
        return said
    number, unit = int(found[0][0]), found[0][1][0].upper()
    return f"P{number // 12}Y" if unit == "M" and number % 12 == 0 else f"P{number}{unit}"
