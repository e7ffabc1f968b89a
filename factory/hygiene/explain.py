"""A row's whole life, for a person."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterable
from pathlib import Path
from string import hexdigits

from factory.errors import DataError
from factory.row import DECIDES, Row, Verdict

_SOFT_SHOWN = 5


def explain(row: Row) -> str:
    """What a row says, where it came from and what every check said of it, as readable text."""
    came = row.lineage
    lines = [f"Row {row.id}", *textwrap.wrap(row.text, 100, initial_indent="  “", subsequent_indent="   ")]
    lines[-1] += "”"
    lines += ["", f"  {DECIDES[row.kind]:<10} {row.decision}" + (f"  (was {came.was})" if came.was is not None else "")]
    if row.soft is not None:
        ranked = sorted(row.soft.items(), key=lambda item: (-item[1], item[0]))
        rest = len(ranked) - _SOFT_SHOWN
        shown = ", ".join(f"{label} {value:.2f}" for label, value in ranked[:_SOFT_SHOWN])
        lines.append(f"  believed   {shown}" + (f", and {rest} more" if rest > 0 else ""))
    lines += [f"  weight     {row.weight:g}", f"  origin     {row.origin}"]
    if row.attributes:
        lines.append("  attributes " + ", ".join(f"{axis}: {value}" for axis, value in row.attributes.items()))
    lines += ["", "Where it came from"]
    facts = {
        "spec": came.spec,
        "plan cell": came.cell,
        "source": came.source,
        "teacher": came.teacher,
        "prompt": came.prompt,
        "reply": came.reply,
        "reviewers": ", ".join(came.reviewers),
    }
    lines += [f"  {name:<10} {value}" for name, value in facts.items() if value]
    lines += ["", "What the checks said", *(_verdict(verdict) for verdict in row.verdicts)]
    lines.append(f"  {_conclusion(row)}")
    return "\n".join(lines)


def life(row_id: str, files: Iterable[Path]) -> str:
    """The life of a row, looked up by its id or the beginning of it, in every file of rows that holds it.

    Raises:
        DataError: no row has this id, or the beginning fits several.
    """
    looked, found = [], []
    for path in files:
        looked.append(str(path))
        found += [(path, row) for row in _candidates(path, row_id) if row.id.startswith(row_id)]
    ids = sorted({row.id for _, row in found})
    if not ids:
        raise DataError(f"There is no row {row_id!r}.", where=", ".join(looked) or "(no files of rows)")
    if len(ids) > 1:
        raise DataError(f"{len(ids)} rows begin with {row_id!r}.", fix=f"Use one of: {', '.join(ids[:5])}.")
    return "\n\n".join(f"In {'/'.join(path.parts[-3:])}\n{explain(row)}" for path, row in found)


def _candidates(path: Path, row_id: str) -> list[Row]:
    """The rows of a file whose written id begins so; only those lines are parsed, and no others are looked at."""
    if not row_id or set(row_id) - set(hexdigits):
        return []
    # A quotation mark inside a JSON text is escaped, so this is found nowhere but at an id.
    begins = re.compile(rb'"id":\s*"' + row_id.encode())
    with path.open("rb") as file:
        return [Row.from_json(json.loads(line)) for line in file if begins.search(line)]


def _verdict(verdict: Verdict) -> str:
    score = "" if verdict.score is None else f"{verdict.score:.3g}"
    return f"  {'passed' if verdict.passed else 'DROPPED':<8} {verdict.check:<14} {score:>6}  {verdict.reason}".rstrip()


def _conclusion(row: Row) -> str:
    if not row.verdicts:
        return "No check has seen it yet."
    refused = [verdict.check for verdict in row.verdicts if not verdict.passed]
    if refused:
        return f"Dropped by {refused[0]}; later checks were not asked."
    return "Kept."
