"""People's rows with other values in their words: mention replacement (Dai & Adel 2020). No teacher is asked.

A small model that has seen each sentence with one value learns the value; with many, where it stands and how it is
written down.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from factory.dataset.split import group, split
from factory.errors import SpecError
from factory.files import digest
from factory.generate.examples import given
from factory.generate.strategies.balance import rounds
from factory.generate.strategies.cell import Cell, Told
from factory.generate.strategies.replaced_record import replaced_record
from factory.generate.strategies.replaced_spans import replaced_spans, words_of
from factory.generate.strategies.strategy import Draft, Material, Strategy
from factory.row import Lineage, Row
from factory.span import mark, strip
from factory.spec import Spec


class Replaced(Strategy):
    """Rows that people read, each in turn, with other values where words of the text say the old ones.

    Records: values are drawn anew. What the text has in other words (a day that follows from another and a term, a
    choice) stays as it is; a row that says none is left out. Of a row of which people told some fields, no others are
    told. Spans: their words are exchanged for those of other people's spans of the same type; rows that will be held
    out and those that are learned lend each other none, or held-out rows would be known by their words.
    """

    name = "replaced"

    def cells(self, material: Material) -> Iterator[Cell]:
        """People's rows, or else the spec's examples, all of them once a round, so that what they hold comes as often
        as in them; a cell is one row, several times."""
        spec = material.spec
        own = given(spec, Lineage(spec=spec.identity, source="spec.yaml"))
        change = _by_kind(spec, [*material.known, *own])
        rows = _changeable(material.known, change) or _changeable(own, change)
        if not rows:
            raise SpecError(
                "The strategy replaced rests on rows that people decided, and none has a value that its words say and "
                "that there are others for.",
                where=str(spec.folder / "spec.yaml"),
                fix="Give some under `examples`, have rows reviewed first, or take replaced out of `strategies`.",
            )
        for ordinal, row in rounds(rows, self._chance(material)):
            made = [
                change(row, random.Random(digest([spec.name, self.name, row.id, ordinal, number])))
                for number in range(spec.teacher.rows_per_request)
            ]
            some = [one for one in made if one]
            yield Cell(
                label=row.stratum,
                attributes={} if row.told is None else {"told": ", ".join(row.told)},
                count=len(some),
                examples=tuple(one.text for one in some),
                sources=(group(row),),
                ordinal=ordinal,
                strategy=self.name,
                told=tuple(one.told for one in some if one.told),
            )

    def axis_of(self, cell: Cell) -> str:
        """Fields of records, or types of spans."""
        return "fields" if cell.told else "types"

    def attributes(self, cell: Cell) -> dict[str, str]:
        """Also what it holds."""
        return {**super().attributes(cell), self.axis_of(cell): cell.label}

    def made(self, cell: Cell) -> list[Draft]:
        """See Strategy.made."""
        if not cell.told:
            read = [strip(marked) for marked in cell.examples]
            return [Draft(text, cell.label, spans) for text, spans, _ in read]
        return [
            Draft(text, cell.label, record=told.record) for text, told in zip(cell.examples, cell.told, strict=True)
        ]


class Changed(NamedTuple):
    """A row's text with other values, and its record; where it has spans, the text has them marked."""

    text: str
    told: Told | None = None


Change = Callable[[Row, random.Random], Changed | None]
"""What makes another of a row; None: it can't."""


def _by_kind(spec: Spec, known: Sequence[Row]) -> Change:
    parts = split(known)
    words = {part: words_of(row for row in known if parts[row.id] == part) for part in set(parts.values())}

    def spans(row: Row, chance: random.Random) -> Changed | None:
        found = replaced_spans(row, words[parts[row.id]], chance)
        return Changed(mark(*found)) if found else None

    def record(row: Row, chance: random.Random) -> Changed | None:
        found = replaced_record(row, spec.fields, chance)
        return Changed(found.text, Told(record=found.record, said=found.said)) if found else None

    return spans if spec.kind == "spans" else record


def _changeable(known: Sequence[Row], change: Change) -> list[Row]:
    return [row for row in known if change(row, random.Random(row.id))]
