"""Is the row a row at all: a known label, a clean text, probabilities that are probabilities?"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from factory.hygiene.check import Context, invented
from factory.row import Row, Verdict

NAME = "schema"
_DEBRIS = re.compile(
    r"""^\s*[{\[]\s*["'{\[] | ["'}\]]\s*[}\]]\s*$ | "\s*:\s*["{\[] | \\n | \\u[0-9a-fA-F]{4} | \\" """, re.VERBOSE
)
_SIGN_OF_DEBRIS = re.compile(r"""[{}\[\]"\\]""")  # no debris without one: most rows are done with it sooner
_UNREADABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
"""Unicode's categories Cc and Cs, which never change, without tab and the ends of lines."""


def check(rows: Sequence[Row], context: Context) -> list[Verdict]:
    """Drop rows with an unknown label, no text, control characters, leftover JSON (generated only) or broken `soft`."""
    labels, passed = set(context.spec.labels), Verdict(check=NAME, passed=True)
    problems = (_problem(row, labels) for row in rows)
    return [Verdict(check=NAME, passed=False, reason=problem) if problem else passed for problem in problems]


def _problem(row: Row, labels: set[str]) -> str:
    if row.kind == "classification" and row.label not in labels:
        return f"unknown label: {row.label!r} is not one of the spec's"
    if not row.text.strip():
        return "empty text"
    if bad := _unreadable(row.text):
        return f"unreadable character: U+{ord(bad):04X}"
    if invented(row) and (left := debris(row.text)):
        return f"leftover JSON: {left!r}"
    return _soft_problem(row, labels)


def debris(text: str) -> str:
    """What is left in a text of JSON within JSON, as teachers write it now and then; empty where nothing is."""
    found = _DEBRIS.search(text) if _SIGN_OF_DEBRIS.search(text) else None
    return found.group().strip() if found else ""


def _unreadable(text: str) -> str:
    """The first control character or half character, or else U+FFFD if the text has one, or else nothing."""
    if not text.isprintable() and (bad := _UNREADABLE.search(text)):
        return bad.group()
    return "\ufffd" if "\ufffd" in text else ""


def _soft_problem(row: Row, labels: set[str]) -> str:
    if row.soft is None:
        return ""
    if unknown := sorted(set(row.soft) - labels):
        return f"broken probabilities: {unknown[0]!r} is not one of the spec's labels"
    if not all(0.0 <= value <= 1.0 for value in row.soft.values()):  # NaN fails this too
        return "broken probabilities: a value is not between 0 and 1"
    total = math.fsum(row.soft.values())
    return "" if abs(total - 1.0) <= 1e-3 else f"broken probabilities: they sum to {total:.4f}"
