"""Rows that a teacher writes, cell by cell of the plan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from factory.files import digest
from factory.generate.limits import NO_LIMITS, Limits, Spent, within
from factory.generate.pipeline import ask
from factory.generate.strategies import STRATEGIES, Material
from factory.generate.strategies.cell import Cell
from factory.progress import Progress, silent
from factory.row import Lineage, Row
from factory.teacher.chat import Teacher


@dataclass(frozen=True)
class Written:
    """What came of a plan.

    Attributes:
        rows: every text that could be read, labelled as asked; rows of another strategy than `label` have its name
            among their attributes.
        failed: one entry a cell whose reply was missing or not as asked, with cell, label, key and reason.
        spent: tokens and time, where a budget limits them.
    """

    rows: list[Row]
    failed: list[dict[str, str]]
    spent: Spent = field(default_factory=Spent)


def write(
    material: Material,
    cells: Sequence[Cell],
    teacher: Teacher,
    cache: Path,
    progress: Progress = silent,
    limits: Limits = NO_LIMITS,
    before: Spent | None = None,
) -> Written:
    """Ask for every cell's rows, in order, until a limit is reached.

    Args:
        material: what strategies may look at.
        cells: the plan.
        teacher: whom to ask.
        cache: the reply cache's file.
        progress: called with (replies, replies in all).
        limits: what may be spent; cells beyond it are told in `failed`.
        before: what was spent earlier under the same limits.
    """
    spec = material.spec
    requests = [STRATEGIES[cell.strategy].request(cell, material) for cell in cells]
    answers, spent = within(limits, ask, "write", requests, teacher, cache, spec.teacher.concurrency, progress, before)
    rows: list[Row] = []
    failed: list[dict[str, str]] = []
    for cell, request, answer in zip(cells, requests, answers, strict=True):
        strategy = STRATEGIES[cell.strategy]
        drafts, reason = strategy.read(cell, answer.text) if answer.text is not None else ([], answer.error)
        if reason:
            failed.append({"cell": cell.id, "label": cell.label, "key": answer.key, "reason": reason})
        lineage = Lineage(
            spec=spec.identity,
            cell=cell.id,
            source=strategy.source(cell),
            prompt=digest(request.messages),
            reply=answer.key,
            teacher=teacher.identity,
        )
        attributes = strategy.attributes(cell)
        rows.extend(
            Row(
                text=draft.text,
                label=draft.label if draft.spans is None else "",
                spans=draft.spans,
                origin="generated",
                attributes=attributes,
                lineage=lineage,
            )
            for draft in drafts
        )
    return Written(rows, failed, spent)


def asked_of(row: Row) -> str:
    """What a generated row was asked to mean: its cell's label."""
    return row.label if row.spans is None else row.attributes.get("types", row.stratum)


def strategy_of(row: Row) -> str:
    """The strategy that a generated row was written by."""
    return row.attributes.get("strategy", "label")
