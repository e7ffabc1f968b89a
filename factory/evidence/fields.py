"""Figures of records, from people's and somebody's: fields, micro-averaged over those that people spoke of.

Normalised: a field is right if its value says the same (factory.record.same: words whatever their case and punctuation,
lists whatever their order). Exact: to the letter. A field that people did not speak of is neither right nor wrong. No
usable answer claims nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from factory.evidence.decision import Known
from factory.evidence.spans import Counts
from factory.record import Record, Value, same

Answer = Record | None


def by_row(
    gold: Sequence[Known], predicted: Sequence[Answer], *, exact: bool = False, field: str | None = None
) -> Counts:
    """Counts of every row, arrays [rows]: right fields, claimed ones, those there are; of one field where said."""
    if not gold:
        raise ValueError("no rows to measure on")
    values = np.zeros((len(gold), 3))
    for place, (people, somebody) in enumerate(zip(gold, predicted, strict=True)):
        answer = somebody or {}
        names = [name for name in spoken_of(people, answer) if field in (None, name)]
        right = sum(name in answer and _right(people.record.get(name), answer[name], exact) for name in names)
        values[place] = right, sum(name in answer for name in names), sum(name in people.record for name in names)
    return Counts(*values.T)


def right(people: Known, somebody: Answer) -> bool:
    """Whether an answer says of every field that people spoke of what they said, and of no other that it is there."""
    if somebody is None:
        return False
    return all(same(people.record.get(name), somebody.get(name)) for name in spoken_of(people, somebody))


def spoken_of(people: Known, somebody: Record) -> list[str]:
    """The fields that can be right or wrong, by name."""
    return sorted({*people.record, *somebody} if people.told is None else people.told)


def names(gold: Sequence[Known], predicted: Sequence[Answer]) -> list[str]:
    """Every field that can be right or wrong in some row, by name."""
    rows = zip(gold, predicted, strict=True)
    return sorted({name for people, somebody in rows for name in spoken_of(people, somebody or {})})


def _right(people: Value | None, somebody: Value, exact: bool) -> bool:
    return _listed(people) == _listed(somebody) if exact else same(people, somebody)


def _listed(value: Value | None) -> Value | None:
    """A list in an order of its own: a record's has none."""
    return sorted(value, key=str) if isinstance(value, list) else value
