"""Rows that a teacher writes, cell by cell of the plan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from factory.files import digest
from factory.generate.limits import NO_LIMITS, Limits, Spent, within
from factory.generate.pipeline import ask
from factory.generate.strategies import STRATEGIES, Draft, Material
from factory.generate.strategies.cell import Cell
from factory.progress import Progress, silent
from factory.record import settle
from factory.row import Lineage, Row
from factory.spec import Spec
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
    """Ask for every cell's rows, in order, until a limit is reached; some strategies ask nobody.

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
    requests = {
        number: STRATEGIES[cell.strategy].request(cell, material)
        for number, cell in enumerate(cells)
        if STRATEGIES[cell.strategy].asks
    }
    answers, spent = within(
        limits, ask, "write", list(requests.values()), teacher, cache, spec.teacher.concurrency, progress, before
    )
    replies = dict(zip(requests, answers, strict=True))
    rows: list[Row] = []
    failed: list[dict[str, str]] = []
    for number, cell in enumerate(cells):
        strategy = STRATEGIES[cell.strategy]
        lineage = Lineage(spec=spec.identity, cell=cell.id, source=strategy.source(cell))
        if number not in replies:
            drafts = strategy.made(cell)
        else:
            answer = replies[number]
            drafts, reason = strategy.read(cell, answer.text) if answer.text is not None else ([], answer.error)
            if reason:
                failed.append({"cell": cell.id, "label": cell.label, "key": answer.key, "reason": reason})
            asked = {"prompt": digest(requests[number].messages), "reply": answer.key, "teacher": teacher.identity}
            lineage = lineage.model_copy(update=asked)
        attributes = strategy.attributes(cell)
        rows.extend(
            Row(text=draft.text, **_decided(draft, spec), origin="generated", attributes=attributes, lineage=lineage)
            for draft in drafts
        )
    return Written(rows, failed, spent)


def _decided(draft: Draft, spec: Spec) -> dict[str, Any]:
    """A draft's decision as a row's; a record that does not hold stays as it was said, for hygiene to say so."""
    if draft.answer is not None:
        return {"answer": draft.answer}
    if draft.record is not None:
        return {"record": settle(spec.fields, draft.text, draft.record)[0]}
    return {"label": draft.label} if draft.spans is None else {"spans": draft.spans}


def asked_of(row: Row) -> str:
    """What a generated row was asked to mean or to hold: its cell's label."""
    axis = {"spans": "types", "extraction": "fields"}.get(row.kind, "")
    return row.attributes.get(axis, row.stratum)


def strategy_of(row: Row) -> str:
    """The strategy that a generated row was written by."""
    return row.attributes.get("strategy", "label")
