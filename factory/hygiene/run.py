"""Apply checks in order; keep what they dropped, with the reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from factory.errors import FactoryError
from factory.files import write_json
from factory.hygiene import (
    answer,
    balance,
    consistency,
    contamination,
    copied,
    disagreement,
    duplicates,
    faithful,
    gold_answer,
    label_noise,
    language,
    length,
    pii,
    profanity,
    record,
    refusal,
    roles,
    rubric,
    schema,
    semantic_contamination,
    semantic_duplicate,
    spans,
)
from factory.hygiene.check import Check, Context, spared
from factory.progress import Progress, silent
from factory.row import Row, Verdict, write_rows

CHECKS: Mapping[str, Check] = {
    schema.NAME: schema.check,
    spans.NAME: spans.check,
    record.NAME: record.check,
    answer.NAME: answer.check,
    refusal.NAME: refusal.check,
    copied.NAME: copied.check,
    faithful.NAME: faithful.check,
    length.NAME: length.check,
    language.NAME: language.check,
    roles.NAME: roles.check,
    profanity.NAME: profanity.check,
    contamination.NAME: contamination.check,
    semantic_contamination.NAME: semantic_contamination.check,
    gold_answer.NAME: gold_answer.check,
    pii.NAME: pii.check,
    rubric.NAME: rubric.check,
    consistency.NAME: consistency.check,
    disagreement.NAME: disagreement.check,
    duplicates.NAME: duplicates.check,
    semantic_duplicate.NAME: semantic_duplicate.check,
    label_noise.NAME: label_noise.check,
    balance.NAME: balance.check,
}
"""Every check, in the order in which they are applied: cheap ones first; duplicates after all that look at one row, so
that the row kept of a cluster is one that passed them; then what looks at all rows at once, and would be misled by
duplicates. Some are run only where the spec asks (`check.asked`)."""

BY_ROW = tuple(
    check.NAME
    for check in (
        schema, spans, record, answer, refusal, copied, faithful, length, language, roles, profanity, contamination,
        semantic_contamination, gold_answer, pii, consistency
    )
)  # fmt: skip
"""Checks that look at each row by itself, so that rows may come to them in blocks (`factory.hygiene.stream`)."""

_OF_LABELS = (consistency.NAME, disagreement.NAME, label_noise.NAME)
OF_ANSWERS = tuple(check.NAME for check in (answer, refusal, copied, faithful, gold_answer, rubric))
"""Checks of answers, which are asked again once real texts have some."""
_NOT_OF = {
    "classification": (spans.NAME, record.NAME, *OF_ANSWERS),
    "spans": (record.NAME, *OF_ANSWERS, *_OF_LABELS),
    "extraction": (spans.NAME, *OF_ANSWERS, *_OF_LABELS),
    "generation": (spans.NAME, record.NAME, balance.NAME, *_OF_LABELS),
}
"""Kind of task to the checks that have nothing to say about its rows."""


def of_kind(kind: str, checks: Iterable[str]) -> tuple[str, ...]:
    """Of some checks, those for a kind of task."""
    return tuple(name for name in checks if name not in _NOT_OF[kind])


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
    judged, statistics = judge(rows, context, checks, progress=progress)
    return Result(
        kept=[row for row in judged if sound(row)],
        dropped=[row for row in judged if not sound(row)],
        statistics=statistics,
    )


def judge(
    rows: Sequence[Row],
    context: Context,
    checks: Sequence[str],
    *,
    forget: Sequence[str] = (),
    progress: Progress = silent,
) -> tuple[list[Row], list[Statistics]]:
    """Copies of all rows, in their order, with the checks' verdicts; what each check did. `run` tells the rules.

    Args:
        forget: other checks whose verdicts on the rows are taken away, because they are to be asked again.
    """
    if unknown := [name for name in checks if name not in CHECKS]:
        raise FactoryError(f"There is no check named {unknown[0]!r}.", fix=f"Use: {', '.join(CHECKS)}.")
    again = {*checks, *forget}
    judged = [
        row.model_copy(update={"verdicts": [verdict for verdict in row.verdicts if verdict.check not in again]})
        for row in rows
    ]
    alive = [row for row in judged if sound(row)]
    statistics = []
    for done, name in enumerate(checks):
        progress(done, len(checks))
        verdicts = CHECKS[name](alive, context)
        if name in context.suspended:
            verdicts = [spared(verdict) for verdict in verdicts]
        for row, verdict in zip(alive, verdicts, strict=True):
            row.verdicts.append(verdict)
        statistics.append(_count(name, verdicts))
        alive = [row for row, verdict in zip(alive, verdicts, strict=True) if verdict.passed]
    progress(len(checks), len(checks))
    return judged, statistics


def write(folder: Path, result: Result) -> None:
    """Write kept.jsonl, dropped.jsonl and statistics.json into a stage's folder."""
    write_rows(folder / "kept.jsonl", result.kept)
    write_rows(folder / "dropped.jsonl", result.dropped)
    write_json(folder / "statistics.json", [item.to_json() for item in result.statistics])


def sound(row: Row) -> bool:
    """Whether no check has refused the row."""
    return all(verdict.passed for verdict in row.verdicts)


def total(name: str, parts: Iterable[Statistics]) -> Statistics:
    """What a check did to all rows, from what it did to blocks of them."""
    seen = asked = dropped = 0
    reasons: Counter[str] = Counter()
    for part in parts:
        seen, asked, dropped = seen + part.seen, asked + part.asked, dropped + part.dropped
        reasons.update(part.reasons)
    return Statistics(name, seen, asked, dropped, dict(sorted(reasons.items(), key=lambda item: (-item[1], item[0]))))


def _count(name: str, verdicts: Sequence[Verdict]) -> Statistics:
    refused = [verdict for verdict in verdicts if not verdict.passed]
    reasons = Counter(verdict.reason.split(":", 1)[0] for verdict in refused)
    asked = sum(not verdict.reason.startswith("not asked") for verdict in verdicts)
    return total(name, [Statistics(name, len(verdicts), asked, len(refused), reasons)])
