"""A table of results in git that grows by a line a measurement."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from factory.files import explained


def save(out: Path, key: Sequence[str], line: Mapping[str, Any]) -> None:
    """Print a line and put it into the table, in the place of an earlier one of the same measurement.

    Args:
        out: a CSV file with a header; made when it is not there.
        key: columns that name a measurement.
        line: column to value.
    """
    print(line, flush=True)
    said = {name: str(value) for name, value in line.items()}
    lines: list[dict[str, str]] = []
    if out.exists():
        with out.open(newline="", encoding="utf-8") as file:
            lines = [one for one in csv.DictReader(file) if any(one[name] != said[name] for name in key)]
    lines = sorted([*lines, said], key=lambda one: [_place(one[name]) for name in key])
    part = out.with_name(f".{out.name}.part")
    with explained(part):
        part.parent.mkdir(parents=True, exist_ok=True)
        with part.open("w", newline="", encoding="utf-8") as file:
            table = csv.DictWriter(file, list(said), lineterminator="\n")
            table.writeheader()
            table.writerows(lines)
        part.replace(out)


def _place(value: str) -> tuple[bool, float, str]:
    """By what lines are sorted: 2 before 10, and both before words."""
    try:
        return False, float(value), value
    except ValueError:
        return True, 0.0, value
