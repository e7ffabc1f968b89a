"""How decisions come about where they are records (factory.stages.reading)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from factory.generate import extraction
from factory.generate.asking import Said
from factory.hygiene import balance, record
from factory.record import same
from factory.row import Row, Verdict
from factory.stages.build import Build
from factory.stages.reading import Line, Pair, Way, precision_recall


class Extraction(Way):
    """A teacher reads a record out of a text, which is held against the schema and the text."""

    kind = "extraction"
    asking, asked, decided = "read out", "read out", "read"
    verdict = "reading"
    checks = (record.NAME, balance.NAME)
    how = (
        "rows people had read before, read by the teacher alone; a row is right if every field is that people spoke of"
    )
    request, read = staticmethod(extraction.request), staticmethod(extraction.read)

    def tally(self, said: Sequence[Said[Any]]) -> dict[str, Any]:
        """See Way.tally."""
        return {
            "values": sum(len(one.decision or ()) for one in said),
            "records that do not hold": sum(one.beside.get("said") is not None for one in said),
        }

    def told(self, line: Line) -> Verdict:
        """The score is how many fields there are."""
        return Verdict(check=self.verdict, passed=True, score=float(len(line["record"])))

    def agreement(self, build: Build, pairs: Sequence[Pair]) -> dict[str, Any]:
        """Precision, recall and F1 of fields with their value; and by field, of the rows in which people spoke of it.

        Of a field that people did not speak of, nothing the teacher says is right or wrong.
        """
        fields: dict[str, str] = {}
        right = claimed = there = 0
        for name in build.spec.fields:
            both = [(row.record or {}, line["record"]) for row, line in pairs if name in spoken_of(row, build.labels)]
            equal = sum(same(people.get(name), teacher.get(name)) for people, teacher in both)
            fields |= {name: f"{equal} of {len(both)}"} if both else {}
            right += sum(name in people and same(people[name], teacher.get(name)) for people, teacher in both)
            there += sum(name in people for people, _ in both)
            claimed += sum(name in teacher for _, teacher in both)
        precision, recall, f1 = precision_recall(right, claimed, there)
        figures = {
            "teacher's fields that are people's": precision,
            "people's fields that the teacher found": recall,
            "teacher's F1 on people's fields": f1,
            "rows in which a field is as people have it": fields,
        }
        return {name: value for name, value in figures.items() if value not in (None, {})}

    def right(self, pair: Pair) -> bool:
        """See Way.right."""
        row, line = pair
        people, teacher = row.record or {}, line["record"]
        return all(same(people.get(name), teacher.get(name)) for name in spoken_of(row, {*people, *teacher}))


def spoken_of(row: Row, names: Any) -> list[str]:
    """Of some fields, those that people spoke of: all, unless the row says which."""
    return [name for name in names if row.told is None or name in row.told]
