"""People's rows for a training without a teacher: those to learn, those held out, and others made of their words."""

from __future__ import annotations

import random
from collections.abc import Sequence

from factory.dataset.split import split
from factory.generate.strategies import STRATEGIES, Material
from factory.gold import gold_of
from factory.review.simulated import reviewed
from factory.row import Lineage, Row
from factory.settings import Settings
from factory.spec import Spec


def drawn(spec: Spec, where: Settings, number: int, seed: int) -> tuple[list[Row], list[Row]]:
    """People's rows to train on and to hold out, as a dataset splits them."""
    pool = gold_of(spec, where.gold, "reviewed.jsonl")
    some = {row.text: row for row in random.Random(seed).sample(pool, min(number, len(pool)))}
    rows = [reviewed(row, Lineage(spec=spec.identity)) for row in some.values()]
    parts = split(rows)
    train, held = ([row for row in rows if parts[row.id] == part] for part in ("train", "held_out"))
    return train, held


def replaced(spec: Spec, known: Sequence[Row], copies: int) -> list[Row]:
    """So many rows for each of those known; fewer, where some come out alike."""
    strategy = STRATEGIES["replaced"]
    found: dict[str, Row] = {}
    asked, cells = 0, strategy.cells(Material(spec, known=known))
    while asked < copies * len(known):
        cell = next(cells)
        asked += cell.count
        for draft in strategy.made(cell):
            row = Row(
                text=draft.text,
                spans=draft.spans,
                record=draft.record,
                weight=spec.student.synthetic_weight,
                origin="generated",
                attributes=strategy.attributes(cell),
                lineage=Lineage(spec=spec.identity, cell=cell.id, source=strategy.source(cell)),
            )
            found.setdefault(row.id, row)
    own = {row.id for row in known}
    return [row for key, row in found.items() if key not in own]
