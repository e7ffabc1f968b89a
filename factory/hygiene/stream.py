"""Hygiene of a file of rows of any size, in two passes; what is kept is what `factory.hygiene.run` keeps.

The first pass takes the rows in blocks through the checks that look at single rows, and leaves a sketch of each row.
Duplicates are decided on the sketches, the only thing that is in memory for every row. The second pass parts the rows
into kept and dropped.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from factory.errors import FactoryError
from factory.files import digest, explained, file_sha256, read_json, write_json
from factory.hygiene import duplicates
from factory.hygiene.blocks import BLOCK, Block, Job, cut, examine, finish, write_decisions
from factory.hygiene.check import Context
from factory.hygiene.greedy import Decisions, decide
from factory.hygiene.run import BY_ROW, Statistics, of_kind, total
from factory.hygiene.runners import Runner, Work, in_this_process
from factory.hygiene.shelf import Shelf, statistics
from factory.progress import Progress, silent

EVERY = (*BY_ROW, duplicates.NAME)
CHECKS = of_kind("classification", EVERY)
Meters = Callable[[str], Progress]
"""From a pass's name to who is told how far it is, in rows."""


def stream(
    source: Path,
    context: Context,
    out: Path,
    checks: Sequence[str] = CHECKS,
    *,
    runner: Runner = in_this_process,
    meters: Meters = lambda name: silent,
    block: int = BLOCK,
) -> list[Statistics]:
    """Write kept.jsonl, dropped.jsonl and statistics.json into a folder, as `run` and `write` would.

    Killed and started again with the same inputs, it goes on after the blocks that are done.

    Args:
        source: JSONL or Parquet of rows.
        context: what the checks may know.
        out: the folder; working files lie in `.hygiene` there until the end.
        checks: of BY_ROW, in any order, and `duplicates`, if it is asked for, last.
        runner: where blocks are worked on.
        block: bytes of JSONL in a block; changes nothing but how much is done at once.

    Returns:
        What each check did.

    Raises:
        FactoryError: a check that can't be asked block by block.
        DataError: a missing file, or a line that is no row.
    """
    alone = tuple(name for name in checks if name != duplicates.NAME)
    sketched = len(alone) < len(checks)
    if unable := [name for name in alone if name not in BY_ROW]:
        raise FactoryError(f"The check {unable[0]!r} can't be asked block by block.", fix=f"Use: {', '.join(CHECKS)}.")
    if sketched and tuple(checks) != (*alone, duplicates.NAME):
        raise FactoryError("Duplicates are looked for last.", fix=f"Name `{duplicates.NAME}` last, and once.")
    blocks = cut(source, block)
    job = Job(source.resolve(), (out / ".hygiene").resolve(), context, alone, sketched)
    _make_folder(job, block)
    _pass("checks", runner, examine, job, blocks, meters)
    found = statistics(job, blocks)
    if sketched:
        found.append(_duplicates(job, blocks, meters("duplicates")))
    _pass("files", runner, finish, job, blocks, meters)
    with explained(out):
        for kind in ("kept", "dropped"):
            _join(job, blocks, kind, out / f"{kind}.jsonl")
        write_json(out / "statistics.json", [one.to_json() for one in found])
        shutil.rmtree(job.folder)
    return found


def _make_folder(job: Job, block: int) -> None:
    """The folder for working files: empty, unless the same work was begun there."""
    context = job.context
    inputs = digest(
        {
            "source": file_sha256(job.source),
            "spec": context.spec.model_dump(mode="json", exclude={"folder"}),
            "gold": [gold.model_dump() for gold in context.gold],
            "instructions": list(context.instructions),
            "checks": [*job.checks, job.sketched],
            "block": block,
        }
    )
    marker = job.folder / "inputs"
    with explained(job.folder):
        if marker.exists() and read_json(marker) == inputs:
            return
        shutil.rmtree(job.folder, ignore_errors=True)
        job.folder.mkdir(parents=True)
    write_json(marker, inputs)


def _pass(name: str, runner: Runner, work: Work, job: Job, blocks: Sequence[Block], meters: Meters) -> None:
    """Work on all blocks, and tell how far it is; how many rows there will be follows from how many there were."""
    progress, whole = meters(name), blocks[-1].end if blocks else 0
    rows = reached = 0
    for block, count in runner(work, job, blocks):
        rows, reached = rows + count, reached + block.end - block.start
        progress(rows, rows * whole // reached)


def _duplicates(job: Job, blocks: Sequence[Block], progress: Progress) -> Statistics:
    """Decide about all rows, and leave every block its decisions."""
    with Shelf(job, blocks) as shelf:
        threshold = job.context.spec.hygiene.near_duplicate
        decisions = decide(shelf.sketch, threshold, shelf.shingles, shelf.content, progress)
        for block, part in zip(blocks, shelf.parts, strict=True):
            write_decisions(block.file(job, "decisions.npz"), decisions, part)
    return _counted(decisions)


def _counted(decisions: Decisions) -> Statistics:
    counts = np.bincount(decisions.kinds, minlength=len(duplicates.KINDS)).tolist()
    reasons = {kind: count for kind, count in zip(duplicates.KINDS, counts, strict=True) if kind and count}
    rows, dropped = sum(counts), sum(counts[1:])
    return total(duplicates.NAME, [Statistics(duplicates.NAME, rows, rows, dropped, reasons)])


def _join(job: Job, blocks: Sequence[Block], kind: str, path: Path) -> None:
    """The blocks' files as one, there whole or not at all."""
    part = job.folder / path.name
    with part.open("wb") as whole:
        for block in blocks:
            with block.file(job, kind).open("rb") as file:
                shutil.copyfileobj(file, whole)
    part.replace(path)
