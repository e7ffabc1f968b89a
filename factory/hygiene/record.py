"""Does a row's record hold: by the fields' schema, quotations from the text, and with all that was asked for?

A teacher asked for the day on which a term ends makes one up where the text says "five years from the Effective Date".
So a date with a year that nobody but a teacher read is held against a text without any. That a value is the right one,
and that the text says nothing which no field holds, can't be seen here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from factory.hygiene.check import Context, not_asked
from factory.record import Record, problem
from factory.row import Row, Verdict
from factory.spec import Spec
from factory.strata import NONE, names_in

NAME = "record"
# Four digits, the last two of a date in figures, or in words.
_YEAR = re.compile(r"(?<!\d)(1[5-9]|20)\d\d(?!\d)|\d[/.-]\d{1,2}[/.-]\d\d(?!\d)|two thousand|nineteen", re.I)


def check(rows: Sequence[Row], context: Context) -> list[Verdict]:
    """Drop rows whose record does not fit the schema, or quotes what is not in the text.

    Also generated rows that lack a field their cell asked for, rows whose teacher gives a year to a text that has none,
    and people's rows that tell of no field. The score is how many fields there are.
    """
    return [_verdict(row, context.spec) for row in rows]


def _verdict(row: Row, spec: Spec) -> Verdict:
    if row.record is None:
        return not_asked(NAME, "no record")
    if row.origin == "unlabelled" and not row.lineage.teacher:
        return not_asked(NAME, "nobody has read it yet")
    reason = problem(spec.fields, row.text, row.record, whole=row.told is None)
    if row.told == ():
        reason = "nothing told: no answer that people gave can be read as a value of its field"
    if not reason and row.origin in ("generated", "unlabelled"):
        reason = _made_up(row.text, row.record, spec)
    if not reason and row.origin == "generated":
        lacking = [name for name in names_in(row.attributes.get("fields", NONE)) if name not in row.record]
        reason = f"field not there: {', '.join(lacking)} was asked for" if lacking else ""
    return Verdict(check=NAME, passed=not reason, score=float(len(row.record)), reason=reason)


def _made_up(text: str, record: Record, spec: Spec) -> str:
    """The first date whose year can't be from the text, as a reason."""
    if _YEAR.search(text):
        return ""
    for name, value in record.items():
        values = value if isinstance(value, list) else [value]
        if spec.fields[name].type == "date" and (years := [one for one in map(str, values) if one[:4].isdigit()]):
            return f"made up: {name} is {years[0]}, and the text has no year"
    return ""
