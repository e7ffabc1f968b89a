"""Texts that a teacher writes around records drawn beforehand."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from factory.files import digest
from factory.generate.replies import parse_rows, rows_schema
from factory.generate.strategies.balance import turn
from factory.generate.strategies.cell import Cell, Told
from factory.generate.strategies.draw import draw, said_in, says, told_by_words
from factory.generate.strategies.few_shot import SHOTS
from factory.generate.strategies.filled import FilledFewShot
from factory.generate.strategies.strategy import Draft, Material
from factory.row import Row
from factory.spec import Spec
from factory.strata import names_in


class Drawn(FilledFewShot):
    """Texts by the fields of their records, whose values a cell holds: the teacher writes nothing but texts.

    It is shown rows that people read, or the spec's examples, whose values stand in their texts; and says a text's
    values again before it writes it, or it would write the values down and call that a text. A text that lacks the
    words of its values is none of the rows. Texts that hold nothing are not asked for: there is nothing to draw. What
    no words tell is asked for alone: beside another value a teacher forgot it.
    """

    name = "drawn"
    template = "drawn.jinja"

    def cells(self, material: Material) -> Iterator[Cell]:
        """As of `filled_few_shot`, with a record for every row."""
        for cell in super().cells(material):
            yield cell.model_copy(update={"told": tuple(self._records(cell, material.spec))})

    def read(self, cell: Cell, reply: str) -> tuple[list[Draft], str]:
        """The texts that say a record, each record once: a text's own, or the first of those left that it says."""
        texts, failure = parse_rows(reply)
        left, drafts = dict(enumerate(cell.told)), []
        for place, text in enumerate(texts):
            order = sorted(left, key=lambda other: (other != place, other))
            found = next((other for other in order if says(text, left[other].words)), None)
            if found is not None:
                drafts.append(Draft(text, cell.label, record=left.pop(found).record))
        if unsaid := len(texts) - len(drafts):
            told = f"{unsaid} texts that do not say what was drawn for them"
            failure = "; ".join([*filter(None, [failure]), told])
        return drafts, failure

    def _chosen(self, same: Sequence[Row], known: Sequence[Row], number: int) -> Sequence[Row]:
        others = turn([row for row in known if row not in same], number, SHOTS)
        return [*turn(same, number, SHOTS), *others][:SHOTS]

    def _asked(self, spec: Spec, chance: random.Random) -> Iterator[tuple[int, str]]:
        for ordinal, names in super()._asked(spec, chance):
            fields = [spec.fields[name] for name in names_in(names)]
            optional = [field for field in fields if not field.required]
            if fields and (len(optional) < 2 or all(map(told_by_words, optional))):
                yield ordinal, names

    def _records(self, cell: Cell, spec: Spec) -> Iterator[Told]:
        for number in range(cell.count):
            chance = random.Random(digest([spec.name, self.name, cell.label, cell.ordinal, number]))
            names = names_in(cell.label)
            drawn = {name: draw(spec.fields[name], chance, by_words=len(names) > 1) for name in names}
            yield Told(
                record={name: one.value for name, one in drawn.items()},
                said={name: one.told for name, one in drawn.items()},
                words=tuple(word for one in drawn.values() for word in one.words),
            )

    def _row(self, row: Row, spec: Spec) -> str:
        said = said_in(row.text, row.record or {}, spec.fields)
        return "" if said is None else json.dumps({"values": _line(said), "text": row.text}, ensure_ascii=False)

    def _values(self, cell: Cell, material: Material) -> dict[str, Any]:
        return {**super()._values(cell, material), "told": [_line(one.said) for one in cell.told]}

    def _schema(self, cell: Cell, material: Material) -> dict[str, Any]:
        return rows_schema(cell.count, before={"values": {"type": "string"}})


def _line(said: Mapping[str, str]) -> str:
    return "; ".join(f"{name} = {value}" for name, value in said.items()) or "none"
