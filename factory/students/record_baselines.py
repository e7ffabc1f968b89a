"""Opponents of a student that reads records: the nearest row's record, and values known from the training rows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from factory.record import Fields, Record, Scalar, Value, quoted
from factory.row import Row
from factory.spec_field import Field
from factory.students.baselines import Presence
from factory.students.nearest import nearest


def nearest_records(fields: Fields, rows: Sequence[Row], texts: Sequence[str]) -> list[Record]:
    """The record of the training row nearest to each text, without quotations that this text does not hold."""
    return [
        {
            name: value
            for name, value in (row.record or {}).items()
            if fields[name].type != "quote" or _holds(text, value)
        }
        for row, text in zip(nearest(rows, texts), texts, strict=True)
    ]


class Frequent:
    """TF-IDF tells which fields a text has; their values are those that training rows have.

    Of a field with words (`quote`, `text`) the longest known value that stands in the text, of one with `many` all that
    do; else the most frequent value, but a quotation that is not there is left out. Rows count their weight, and only
    for fields that were spoken of.
    """

    def __init__(self, fields: Fields, rows: Sequence[Row]) -> None:
        self._fields = fields
        self._there: dict[str, Presence] = {}
        self._values: dict[str, dict[Scalar, float]] = {}
        for name in fields:
            spoken = [row for row in rows if row.told is None or name in row.told]
            self._there[name] = Presence(
                [row.text for row in spoken],
                [name in (row.record or {}) for row in spoken],
                [row.weight for row in spoken],
            )
            counts: dict[Scalar, float] = defaultdict(float)
            for row in spoken:
                for value in _listed((row.record or {}).get(name, [])):
                    counts[value] += row.weight
            self._values[name] = counts

    def predict(self, texts: Sequence[str]) -> list[Record]:
        """The record of each text."""
        there = {name: presence.predict(texts) for name, presence in self._there.items()}
        found = []
        for place, text in enumerate(texts):
            values = {name: self._value(name, text) for name in self._fields if there[name][place]}
            found.append({name: value for name, value in values.items() if value is not None})
        return found

    def _value(self, name: str, text: str) -> Value | None:
        field, counts = self._fields[name], self._values[name]
        stands = [one for one in counts if _words(field) and quoted(text, str(one))]
        if field.type == "quote" and not stands:
            return None
        best = max(stands, key=lambda one: len(str(one))) if stands else _most(counts)
        return (stands or [best]) if field.many and best is not None else best


def _words(field: Field) -> bool:
    return field.type in ("quote", "text")


def _most(counts: Mapping[Scalar, float]) -> Scalar | None:
    """What counts most, the first of equals."""
    return max(counts, key=lambda one: counts[one], default=None)


def _holds(text: str, value: Value) -> bool:
    return all(quoted(text, str(one)) for one in _listed(value))


def _listed(value: Value) -> list[Scalar]:
    return list(value) if isinstance(value, list) else [value]
