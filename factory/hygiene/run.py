"""Apply checks in order; keep what they dropped, with the reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from factory.errors import FactoryError
from factory.files import write_json
from factory.hygiene import (
    balance,
    consistency,
    contamination,
    duplicates,
    label_noise,
    language,
    length,
    pii,
    profanity,
    roles,
    schema,
    semantic_contamination,
    semantic_duplicate,
)
from factory.hygiene.check import Check, Context
from factory.progress import Progress, silent
from factory.row import Row, Verdict, write_rows

CHECKS: Mapping[str, Check] = {
    schema.NAME: schema.check,
    length.NAME: length.check,
    language.NAME: language.check,
    roles.NAME: roles.check,
    profanity.NAME: profanity.check,
    contamination.NAME: contamination.check,
    semantic_contamination.NAME: semantic_contamination.check,
    pii.NAME: pii.check,
    consistency.NAME: consistency.check,
    duplicates.NAME: duplicates.check,
    semantic_duplicate.NAME: semantic_duplicate.check,
    label_noise.NAME: label_noise.check,
    balance.NAME: balance.check,
}
"""Every check, in the order in which they are applied: cheap ones first; duplicates after all that look at one row, so
that the row kept of a cluster is one that passed them; then what looks at all rows at once, and would be misled by
duplicates. Some are run only where the spec asks (`check.asked`)."""


@dataclass(frozen=True)
class Statistics:
    """What one check did.

    Attributes:
        check: its name.
        seen: rows that came to it.
        asked: of these, rows it concerns.
        dropped: rows it dropped.
        reasons: category of reason to rows dropped for it, most frequent first.
    """

    check: str
    seen: int
    asked: int
    dropped: int
    reasons: dict[str, int]

    def to_json(self) -> dict[str, Any]:
        """As statistics.json holds it."""
        return dict(vars(self))


@dataclass(frozen=True)
class Result:
    """Every row that came in is in `kept` or in `dropped`, once, in the order in which it came."""

    kept: list[Row]
    dropped: list[Row]
    statistics: list[Statistics]


def run(
    rows: Sequence[Row], context: Context, checks: Sequence[str] = tuple(CHECKS), progress: Progress = silent
) -> Result:
    """Apply checks, in the order given, to rows.

    A row's verdict by a check of the same name is replaced. A dropped row is not shown to later checks: the verdict
    that dropped it is its last. A row that comes with another check's refusal stays dropped.

    Raises:
        FactoryError: there is no check of that name.
    """
    if unknown := [name for name in checks if name not in CHECKS]:
        raise FactoryError(f"There is no check named {unknown[0]!r}.", fix=f"Use: {', '.join(CHECKS)}.")
    judged = [
        row.model_copy(update={"verdicts": [verdict for verdict in row.verdicts if verdict.check not in checks]})
        for row in rows
    ]
    alive = [row for row in judged if _sound(row)]
    statistics = []
    for done, name in enumerate(checks):
        progress(done, len(checks))
        verdicts = CHECKS[name](alive, context)
        for row, verdict in zip(alive, verdicts, strict=True):
            row.verdicts.append(verdict)
        statistics.append(_count(name, verdicts))
        alive = [row for row, verdict in zip(alive, verdicts, strict=True) if verdict.passed]
    progress(len(checks), len(checks))
    return Result(
        kept=[row for row in judged if _sound(row)],
        dropped=[row for row in judged if not _sound(row)],
        statistics=statistics,
    )


def write(folder: Path, result: Result) -> None:
    """Write kept.jsonl, dropped.jsonl and statistics.json into a stage's folder."""
    write_rows(folder / "kept.jsonl", result.kept)
    write_rows(folder / "dropped.jsonl", result.dropped)
    write_json(folder / "statistics.json", [item.to_json() for item in result.statistics])


def _sound(row: Row) -> bool:
    return all(verdict.passed for verdict in row.verdicts)


def _count(name: str, verdicts: Sequence[Verdict]) -> Statistics:
    refused = [verdict for verdict in verdicts if not verdict.passed]
    reasons = Counter(verdict.reason.split(":", 1)[0] for verdict in refused)
    return Statistics(
        check=name,
        seen=len(verdicts),
        asked=sum(not verdict.reason.startswith("not asked") for verdict in verdicts),
        dropped=len(refused),
        reasons=dict(sorted(reasons.items(), key=lambda item: (-item[1], item[0]))),
    )
