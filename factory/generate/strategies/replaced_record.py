"""A row's record with other values, in the words of its text: mention replacement (Dai & Adel 2020)."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from factory.generate.strategies.draw import Saying, draw, told_by_words, ways
from factory.record import Record, Scalar, quoted
from factory.row import Row
from factory.spec_field import Field

TRIES = 20
"""How often a value is drawn anew that is there already."""
TIMES = ("date", "duration")
"""Types of fields whose values may follow from one another: an end from a beginning and a term."""


class Replacement(NamedTuple):
    """A text with other values, its record, and field to what is said of it now."""

    text: str
    record: Record
    said: dict[str, str]


def replaced_record(row: Row, fields: Mapping[str, Field], chance: random.Random) -> Replacement | None:
    """A row with values drawn anew for those that its words say; None where they say none, or not these alone.

    Where the text has a day or a length in other words, it may follow from another one: all of these then stay.

    Args:
        row: people's.
        fields: the spec's.
        chance: what decides.
    """
    record, said, words = dict(row.record or {}), dict[str, str](), dict[str, str]()
    found = {
        name: [(one, _words(row.text, one, fields[name])) for one in (value if isinstance(value, list) else [value])]
        for name, value in sorted(record.items())
    }
    follows = any(
        old is None and fields[name].type in TIMES and one not in fields[name].values
        for name, some in found.items()
        for one, old in some
    )
    for name, some in found.items():
        field, drawn = fields[name], list[Scalar]()
        for one, old in some:
            fixed = old is None or not _drawable(field) or (follows and field.type in TIMES)
            new = None if fixed else _other(field, [*(value for value, _ in some), *drawn], chance)
            if old is None or new is None:
                drawn.append(one)
                continue
            if old in words:
                return None  # two values have the same words
            words[old] = new.told
            drawn.append(new.value)  # type: ignore[arg-type]  # of a field that is not `many`
            said[name] = "; ".join(filter(None, [said.get(name, ""), new.told]))
        record[name] = drawn if isinstance(record[name], list) else drawn[0]
    text = _with(row.text, words) if words else ""
    # Words that stand within another value's go with that one, and then the text lacks what came in their place.
    return Replacement(text, record, said) if words and all(quoted(text, new) for new in words.values()) else None


def _words(text: str, value: Scalar, field: Field) -> str | None:
    """The words by which a text says a value; None where it has others."""
    return next((way.told for way in ways(value, field) if way.words and quoted(text, way.told)), None)


def _drawable(field: Field) -> bool:
    return field.drawable and told_by_words(field)


def _other(field: Field, there: Sequence[Scalar], chance: random.Random) -> Saying | None:
    """A value that is none of those there."""
    one = field.model_copy(update={"many": False})
    drawn = (draw(one, chance, by_words=True) for _ in range(TRIES))
    return next((new for new in drawn if new.value not in there), None)


def _with(text: str, words: Mapping[str, str]) -> str:
    """A text with other words, all at once, wherever they stand as whole words and whatever their case and spacing."""
    loose = {" ".join(old.casefold().split()): new for old, new in words.items()}
    longest = sorted(loose, key=lambda old: (-len(old), old))
    either = "|".join(r"\s+".join(map(re.escape, old.split())) for old in longest)
    pattern = re.compile(rf"(?<!\w)(?:{either})(?!\w)", re.IGNORECASE)
    return pattern.sub(lambda found: loose.get(" ".join(found[0].casefold().split()), found[0]), text)
