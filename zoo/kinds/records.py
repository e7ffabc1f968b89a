"""Records: what extractors answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zoo import record
from zoo.decision import Record, RecordDecision
from zoo.form import Form
from zoo.kinds.kind import Kind, Unusable, json_of, printable, written


class Records(Kind[Record]):
    """Of extractors.

    Args:
        fields: what a value looks like, by field.
    """

    column, content, decision = "record", Record, RecordDecision

    def __init__(self, fields: Mapping[str, Form]) -> None:
        super().__init__(tuple(fields))
        self._fields = fields

    def confidence(self, answer: Any) -> float:
        """Of the record."""
        return float(answer.score)

    def read(self, text: str, reply: str) -> Record:
        """A record by the fields, whose quotations stand in the text. Of one that holds in part nothing is taken: what
        is left would say that the text does not have the rest."""
        said, failure = record.read(json_of(reply))
        if said is None:
            raise Unusable(f"{failure}: {printable(reply)!r}")
        return self._settled(text, said)

    def take(self, text: str, value: Any) -> Record:
        """Values by field."""
        said = record.plain(dict(value) if isinstance(value, Mapping) else value)
        if said is None:
            raise Unusable(f"{record.NO_RECORD}: {printable(repr(value))}")
        return self._settled(text, said)

    def reply(self, said: Record) -> str:
        """Every field, null where the text has none."""
        return written({name: said.values.get(name) for name in self._fields})

    def _settled(self, text: str, said: record.Record) -> Record:
        values, failure = record.settle(self._fields, text, said)
        if failure:
            raise Unusable(printable(failure))
        return Record(values=values)
