"""Which rows are trained on and which are held out, decided by the rows alone."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from typing import Literal

from factory.row import Row

Split = Literal["train", "held_out"]
HELD_OUT = 0.12
ENOUGH = 8
"""A label with this many rows must have one held out, whatever the hashes say."""


def split(rows: Sequence[Row], share: float = HELD_OUT) -> dict[str, Split]:
    """Row id to split.

    A row's split follows from a hash, so it stays where it is when rows are added. Rows that rest on the same
    source are hashed by that source and stay together: a paraphrase of a training row would flatter the held-out
    part. Two exceptions keep every label usable: a label has at least one row to train on, and one held out once it
    has `ENOUGH` rows.

    Rows that production picked (Row.picked) are all trained on, and do not count for that.

    Args:
        rows: any order; the answer does not depend on it. Where they have spans or records, `label` above is the set
            of types or fields.
        share: of the groups to hold out, 0 to 1.
    """
    chosen: dict[str, Split] = {}
    by_label: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        if row.picked:
            # Held-out rows say how sure the student may be, and how often it errs, of texts drawn as they come. These
            # were picked for a doubtful or wrong answer: they would promise too little, and make the version that gave
            # that answer look worse than it is.
            chosen[row.id] = "train"
            continue
        chosen[row.id] = "held_out" if _place(row) < share else "train"
        by_label[row.stratum].append(row)
    for members in by_label.values():
        members.sort(key=lambda row: (_place(row), row.id))
        held = sum(chosen[row.id] == "held_out" for row in members)
        if held == len(members):
            chosen[members[-1].id] = "train"
        elif held == 0 and len(members) >= ENOUGH:
            chosen[members[0].id] = "held_out"
    return chosen


def folds(rows: Sequence[Row], count: int) -> list[list[Row]]:
    """The rows in so many parts of about the same size, fewer where there are fewer groups; rows on one source go
    together."""
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        groups[group(row)].append(row)
    ordered = sorted(groups, key=lambda name: hashlib.sha256(f"fold:{name}".encode()).digest())
    parts = [[row for name in ordered[start::count] for row in groups[name]] for start in range(count)]
    return [part for part in parts if part]


def group(row: Row) -> str:
    """What a row stays together with: its source, or itself."""
    return row.lineage.source or row.id


def _place(row: Row) -> float:
    """Where the row's group falls between 0 and 1."""
    return int.from_bytes(hashlib.sha256(f"split:{group(row)}".encode()).digest()[:8], "big") / 2**64
