"""Texts that a teacher writes together with their records: with each field, with pairs of fields, and without any."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

from factory.generate.strategies.cell import Cell
from factory.generate.strategies.holding import HoldingFewShot, asked
from factory.generate.strategies.strategy import Draft, Material
from factory.generate.strategies.together import Together
from factory.record import plain
from factory.row import Row
from factory.spec import Spec
from factory.spec_declared import Example
from factory.spec_field import reply_schema
from factory.strata import names_in, stratum_of


class Filled(Together):
    """Texts by the fields of their records; required fields are in all of them."""

    name = "filled"
    axis = "fields"
    beside = "record"

    def _draft(self, cell: Cell, text: str, said: Any) -> Draft | None:
        record = plain(said)
        return None if record is None else Draft(text, cell.label, record=record)

    def _example(self, example: Example) -> str:
        return self._shown(example.text, example.record or {})

    def _row(self, row: Row, spec: Spec) -> str:
        return self._shown(row.text, row.record or {})

    def _asked(self, spec: Spec, chance: random.Random) -> Iterator[tuple[int, str]]:
        required = [name for name, field in spec.fields.items() if field.required]
        for ordinal, names in asked([name for name in spec.fields if name not in required], chance):
            yield ordinal, stratum_of([*required, *names_in(names)])

    def _names(self, spec: Spec) -> list[dict[str, str]]:
        return [{**one, "form": spec.fields[one["label"]].form} for one in super()._names(spec)]

    def _decision_schema(self, cell: Cell, material: Material) -> dict[str, Any]:
        return reply_schema(material.spec.fields, names_in(cell.label))


class FilledFewShot(Filled, HoldingFewShot):
    """The same after rows that people read, which are shown with their records."""

    name = "filled_few_shot"
