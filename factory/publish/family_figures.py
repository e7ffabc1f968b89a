"""The family's figures as a table in git, which outlives the hub that they come from."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from factory.files import write_text

STUDENT, TEACHER, SHOWN, ALONE = "student", "teacher", "few_shot", "reviewed_only"
"""The specialist; its teacher, as it came and shown people's rows; the specialist without the machines' rows."""


@dataclass(frozen=True)
class Figure:
    """How good somebody is at a specialist's task, on human-labelled rows.

    Attributes:
        specialist: `<vertical>/<task>`.
        version: of the specialist, and whether it was published by force.
        metric: as records call it.
        who: STUDENT, on the weights loaded by default, or an opponent.
        value: 0 to 1.
        low, high: its 95 % interval; None: it has none.
        n: on how many rows.
    """

    specialist: str
    version: str
    metric: str
    who: str
    value: float
    low: float | None
    high: float | None
    n: int


def of(specialist: str, figures: Iterable[Figure]) -> dict[str, Figure]:
    """A specialist's figures, by whose they are."""
    return {one.who: one for one in figures if one.specialist == specialist}


def best_baseline(known: Mapping[str, Figure]) -> Figure | None:
    """The best of all whose figures are known but the student and its teacher; None: there is none."""
    others = [one for who, one in known.items() if who not in (STUDENT, TEACHER, SHOWN, ALONE)]
    return max(others, key=lambda one: one.value, default=None)


def read(file: Path) -> list[Figure]:
    """The figures in a CSV file; none where there is no such file."""
    if not file.exists():
        return []
    with file.open(newline="", encoding="utf-8") as lines:
        return [
            Figure(
                one["specialist"],
                one["version"],
                one["metric"],
                one["who"],
                float(one["value"]),
                float(one["low"]) if one["low"] else None,
                float(one["high"]) if one["high"] else None,
                int(one["n"]),
            )
            for one in csv.DictReader(lines)
        ]


def write(file: Path, figures: Iterable[Figure]) -> None:
    """Write them, in the order of their specialists."""
    text = io.StringIO()
    table = csv.DictWriter(text, [key.name for key in fields(Figure)], lineterminator="\n")
    table.writeheader()
    table.writerows(asdict(one) for one in sorted(figures, key=lambda one: one.specialist))
    write_text(file, text.getvalue())
