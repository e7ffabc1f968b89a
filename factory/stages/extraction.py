"""How decisions come about where they are records (factory.stages.reading)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from factory.generate.extraction import Reading, read_out
from factory.generate.limits import Limits, Spent
from factory.hygiene import record
from factory.progress import Progress
from factory.record import same
from factory.row import Row, Verdict
from factory.stages.build import Build
from factory.stages.reading import Line, Pair, Way, precision_recall


class Extraction(Way):
    """A teacher reads a record out of a text, which is held against the schema and the text."""

    kind = "extraction"
    asking, asked, decided = "read out", "read out", "read"
    verdict = "reading"
    checks = (record.NAME,)
    how = (
        "rows people had read before, read by the teacher alone; a row is right if every field is that people spoke of"
    )

    def ask(self, build: Build, texts: Sequence[str], meter: Progress, limits: Limits, before: Spent) -> list[Reading]:
        """See Way.ask."""
        return read_out(build.spec, texts, build.endpoint, build.settings.replies, meter, limits, before)

    def line(self, answer: Reading) -> dict[str, Any]:
        """`record`, null where the reply could not be used, and `said`, the record that does not hold."""
        return {"record": answer.record, "said": answer.said}

    def tally(self, answers: Sequence[Reading]) -> dict[str, Any]:
        """See Way.tally."""
        return {
            "values": sum(len(one.record or ()) for one in answers),
            "records that do not hold": sum(one.said is not None for one in answers),
        }

    def usable(self, line: Line) -> bool:
        """See Way.usable."""
        return line["record"] is not None

    def decision(self, line: Line) -> tuple[dict[str, Any], Verdict]:
        """The record; the verdict's score is how many fields it has."""
        return {"record": line["record"]}, Verdict(check=self.verdict, passed=True, score=float(len(line["record"])))

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
    told = row.attributes.get("told")
    return [name for name in names if told is None or name in told.split(", ")]
