"""Texts that a teacher writes together with their records: with each field, with pairs of fields, and without any."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any

from factory.generate.replies import parse_items
from factory.generate.strategies.cell import Cell
from factory.generate.strategies.holding import Holding, HoldingFewShot, asked
from factory.generate.strategies.strategy import Draft, Material
from factory.record import plain
from factory.row import Row
from factory.spec import Example, Spec
from factory.spec_field import reply_schema
from factory.strata import names_in, stratum_of


class Filled(Holding):
    """Texts by the fields of their records; required fields are in all of them."""

    name = "filled"
    axis = "fields"

    def read(self, cell: Cell, reply: str) -> tuple[list[Draft], str]:
        """The texts that have a record; whether it holds is for hygiene to say."""
        items, failure = parse_items(reply)
        drafts, unread = [], 0
        for text, item in items:
            record = plain(item.get("record")) if isinstance(item, dict) else None
            if record is None:
                unread += 1
            else:
                drafts.append(Draft(text, cell.label, record=record))
        if unread:
            failure = "; ".join([*filter(None, [failure]), f"{unread} texts without a record that can be read"])
        return drafts, failure

    def _example(self, example: Example) -> str:
        return _shown(example.text, example.record or {})

    def _row(self, row: Row) -> str:
        return _shown(row.text, row.record or {})

    def _asked(self, spec: Spec, chance: random.Random) -> Iterator[tuple[int, str]]:
        required = [name for name, field in spec.fields.items() if field.required]
        for ordinal, names in asked([name for name in spec.fields if name not in required], chance):
            yield ordinal, stratum_of([*required, *names_in(names)])

    def _names(self, spec: Spec) -> list[dict[str, str]]:
        return [{**one, "form": spec.fields[one["label"]].form} for one in super()._names(spec)]

    def _schema(self, cell: Cell, material: Material) -> dict[str, Any]:
        record = reply_schema(material.spec.fields, names_in(cell.label))
        properties = {"text": {"type": "string"}, "record": record}
        row = {"type": "object", "properties": properties, "required": ["text", "record"]}
        rows = {"type": "array", "items": row, "minItems": cell.count, "maxItems": cell.count}
        return {"type": "object", "properties": {"rows": rows}, "required": ["rows"]}


class FilledFewShot(Filled, HoldingFewShot):
    """The same after rows that people read, which are shown with their records."""

    name = "filled_few_shot"


def _shown(text: str, record: dict[str, Any]) -> str:
    return json.dumps({"text": text, "record": record}, ensure_ascii=False)
