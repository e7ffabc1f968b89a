"""Does a row's record hold: by the fields' schema, quotations from the text, and with all that was asked for?

That a value is the right one, and that the text says nothing which no field holds, can't be seen here.
"""

from __future__ import annotations

from collections.abc import Sequence

from factory.hygiene.check import Context, not_asked
from factory.record import problem
from factory.row import Row, Verdict
from factory.spec import Spec
from factory.strata import NONE, names_in

NAME = "record"


def check(rows: Sequence[Row], context: Context) -> list[Verdict]:
    """Drop rows whose record does not fit the schema, or quotes what is not in the text.

    Also generated rows that lack a field their cell asked for, and people's rows that tell of no field. The score is
    how many fields there are.
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
    if not reason and row.origin == "generated":
        lacking = [name for name in names_in(row.attributes.get("fields", NONE)) if name not in row.record]
        reason = f"field not there: {', '.join(lacking)} was asked for" if lacking else ""
    return Verdict(check=NAME, passed=not reason, score=float(len(row.record)), reason=reason)
