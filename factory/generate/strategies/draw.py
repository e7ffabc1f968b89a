"""Values of a record's fields drawn by chance, each with the words by which a text may say it.

A teacher that invents values repeats those it was shown; one that is given values writes texts around them, and that a
text says a value is seen by its words.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from typing import NamedTuple

from factory.record import Record, Scalar, Value, quoted
from factory.spec_field import Field

FIRST, LAST = date(1995, 1, 1), date(2034, 12, 31)
"""Days are drawn between these two."""
OTHERWISE = 0.25
"""How often a date or a duration is one of the field's `values`, where it has some."""
WITHOUT_DAY = 0.1
"""How often a date is a month and a year."""
HOW_MANY = (1, 2, 2, 2, 3)
"""How many values a list has."""

_ONES = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
_TENS = ("", "ten", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_UNITS: Mapping[str, str] = {"Y": "year", "M": "month", "W": "week", "D": "day"}
_LENGTHS: Mapping[str, Sequence[int]] = {
    "Y": range(1, 11),
    "M": (1, 2, 3, 4, 6, 8, 9, 15, 18),  # twelve are a year
    "W": (1, 2, 3, 4, 6, 8),
    "D": (5, 10, 15, 20, 30, 45, 60, 90, 120, 180),
}
_DAYS: Sequence[Callable[[date], str]] = (
    lambda day: f"{day:%B} {day.day}, {day.year}",
    lambda day: f"{day:%B} {day.day}, {day.year}",  # the usual way is drawn as often as two others
    lambda day: f"{day.day} {day:%B} {day.year}",
    lambda day: f"{ordinal(day.day)} day of {day:%B}, {day.year}",
    lambda day: f"{day:%B} {ordinal(day.day)}, {day.year}",
    lambda day: f"{day:%b}. {day.day}, {day.year}" if day.month != 5 else f"May {day.day}, {day.year}",
    lambda day: f"{day.month}/{day.day}/{day.year}",
)


class Saying(NamedTuple):
    """A value, and a way to say it.

    Attributes:
        value: as a record has it.
        told: as a teacher is told it.
        words: all of them stand in a text that says it; none where no words tell.
    """

    value: Value
    told: str
    words: tuple[str, ...]


def told_by_words(field: Field) -> bool:
    """Whether there are values of a field that words of a text tell: none does of booleans and choices."""
    return field.type not in ("boolean", "choice")


def draw(field: Field, chance: random.Random, by_words: bool = False) -> Saying:
    """A value of a field that is drawable.

    Args:
        field: the field.
        chance: what decides.
        by_words: none of the field's `values` is drawn, which no words tell.
    """
    if not field.many:
        return _one(field, chance, by_words)
    found = {
        str(one.value): one for one in (_one(field, chance, by_words) for _ in range(chance.choice(HOW_MANY)))
    }.values()
    values: list[Scalar] = [one.value for one in found if not isinstance(one.value, list)]
    return Saying(values, "; ".join(one.told for one in found), tuple(word for one in found for word in one.words))


def ways(value: Scalar, field: Field) -> list[Saying]:
    """The ways to say a value, the fullest first."""
    if value in field.values:
        return [Saying(value, str(value), ())]  # a word for what no single word of a text has to say
    if field.type == "boolean":
        return [Saying(value, str(value).lower(), ())]
    if field.type == "date":
        return [Saying(value, said, (said,)) for said in _days(str(value))]
    if field.type == "duration":
        number, name = int(str(value)[1:-1]), _UNITS[str(value)[-1]]
        units = f"{name}{'s' if number > 1 else ''}"
        words, figures = spelled(number), str(number)
        # The number alone tells: `ninety days'`, `a three-year term` say what `90 days` and `three years` do.
        forms = ((f"{words} ({figures})", words), (figures, figures), (words, words))
        return [Saying(value, f"{said} {units}", (word,)) for said, word in forms]
    return [Saying(value, said := str(value), (said,))]


def says(text: str, words: Sequence[str]) -> bool:
    """Whether all of some words stand in a text, whatever their case and white space."""
    return all(quoted(text, one) for one in words)


def ordinal(number: int) -> str:
    """`1st`, `2nd`, `3rd`, `4th`."""
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def spelled(number: int) -> str:
    """A number from 0 to 999 in words, `one hundred twenty`; a larger one in figures."""
    if number > 999:
        return str(number)
    if number < len(_ONES):
        return _ONES[number]
    if number < 100:
        return _TENS[number // 10] + (f"-{_ONES[number % 10]}" if number % 10 else "")
    return f"{_ONES[number // 100]} hundred" + (f" {spelled(number % 100)}" if number % 100 else "")


def said_in(text: str, record: Record, fields: Mapping[str, Field]) -> dict[str, str] | None:
    """Field to its value as a teacher would be told it, in the words of a text; None where the text has other words."""
    found: dict[str, str] = {}
    for name, value in record.items():
        values = value if isinstance(value, list) else [value]
        there = [next((way for way in ways(one, fields[name]) if says(text, way.words)), None) for one in values]
        told = [way.told for way in there if way]
        if len(told) < len(values):
            return None
        found[name] = "; ".join(told)
    return found


def _one(field: Field, chance: random.Random, by_words: bool) -> Saying:
    if samples := [one for one in field.samples if not (by_words and one in field.values)]:
        value = chance.choice(samples)
    elif field.values and not by_words and field.type != "choice" and chance.random() < OTHERWISE:
        value = chance.choice(field.values)
    else:
        value = _MADE[field.type](field, chance)
    return chance.choice(ways(value, field))


def _days(value: str) -> list[str]:
    """The ways to say a date; what is X in it is not said: `May 2003`, `May 4`, `2003`."""
    year, month, day = value.split("-")
    if "X" not in value:
        return [way(date(int(year), int(month), int(day))) for way in _DAYS]
    name = "" if "X" in month else f"{date(2000, int(month), 1):%B}"
    return [" ".join(part for part in (name, day.lstrip("0"), year) if part and "X" not in part)]


def _day(field: Field, chance: random.Random) -> Scalar:
    day = FIRST + timedelta(days=chance.randrange((LAST - FIRST).days + 1))
    return f"{day:%Y-%m}-XX" if chance.random() < WITHOUT_DAY else day.isoformat()


def _length(field: Field, chance: random.Random) -> Scalar:
    unit = chance.choice(sorted(_LENGTHS))
    return f"P{chance.choice(_LENGTHS[unit])}{unit}"


_MADE: Mapping[str, Callable[[Field, random.Random], Scalar]] = {
    "date": _day,
    "duration": _length,
    "boolean": lambda field, chance: chance.choice((True, False)),
    "choice": lambda field, chance: chance.choice(field.values),
}
"""Types whose values are made up where a field has no samples (Field.drawable)."""
