"""Rows that a teacher writes, cell by cell of the plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from factory.files import digest
from factory.generate.pipeline import ask
from factory.generate.plan import Cell
from factory.generate.prompt import messages
from factory.generate.replies import parse_rows, rows_schema
from factory.progress import Progress, silent
from factory.row import Lineage, Row
from factory.spec import Spec
from factory.teacher.chat import Endpoint, Request

CONTRASTS = 4


@dataclass(frozen=True)
class Written:
    """What came of a plan.

    Attributes:
        rows: every text that could be read, labelled as asked.
        failed: one entry a cell whose reply was missing or not as asked, with cell, label, key and reason.
    """

    rows: list[Row]
    failed: list[dict[str, str]]


def write(
    spec: Spec,
    cells: Sequence[Cell],
    passages: Mapping[str, str],
    neighbours: Mapping[str, Sequence[str]],
    endpoint: Endpoint,
    cache: Path,
    progress: Progress = silent,
) -> Written:
    """Ask for every cell's rows.

    Args:
        spec: the specialist.
        cells: the plan.
        passages: real texts by id, as the cells name them.
        neighbours: for each label the others, most alike first; the nearest few are named as what not to write.
        endpoint: the teacher.
        cache: the reply cache's file.
        progress: called with (replies, replies in all).
    """
    requests = [_request(spec, cell, passages, neighbours[cell.label]) for cell in cells]
    answers = ask("write", requests, endpoint, cache, spec.teacher.concurrency, progress)
    rows: list[Row] = []
    failed: list[dict[str, str]] = []
    for cell, request, answer in zip(cells, requests, answers, strict=True):
        texts, reason = parse_rows(answer.text) if answer.text is not None else ([], answer.error)
        if reason:
            failed.append({"cell": cell.id, "label": cell.label, "key": answer.key, "reason": reason})
        lineage = Lineage(
            spec=spec.identity,
            cell=cell.id,
            source=",".join(cell.passages),
            prompt=digest(request.messages),
            reply=answer.key,
            teacher=endpoint.identity,
        )
        rows.extend(
            Row(text=text, label=cell.label, origin="generated", attributes=cell.attributes, lineage=lineage)
            for text in texts
        )
    return Written(rows, failed)


def _request(spec: Spec, cell: Cell, passages: Mapping[str, str], neighbours: Sequence[str]) -> Request:
    values: dict[str, Any] = {
        "label": cell.label,
        "definition": spec.labels[cell.label],
        "contrasts": [{"label": label, "definition": spec.labels[label]} for label in neighbours[:CONTRASTS]],
        "attributes": cell.attributes,
        "examples": cell.examples,
        "passages": [passages[name] for name in cell.passages],
        "avoid": (),
        "count": cell.count,
    }
    return Request(
        messages(spec, "generate.jinja", **values),
        temperature=spec.teacher.temperature,
        top_p=spec.teacher.top_p,
        max_tokens=cell.count * spec.teacher.tokens_per_row * 2 + 40,
        json_schema=rows_schema(cell.count),
        ordinal=cell.ordinal,
    )
