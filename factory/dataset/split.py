"""Which rows are trained on and which are held out, decided by the rows alone."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
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
    part. A source may be the id of another of the rows: then it is that one's source. Two exceptions keep every label
    usable: a label has at least one row to train on, and one held out once it has `ENOUGH` rows.

    Rows that production picked (Row.picked) are all trained on, and do not count for that.

    Args:
        rows: any order; the answer does not depend on it. Where they have spans or records, `label` above is the set
            of types or fields.
        share: of the groups to hold out, 0 to 1.
    """
    groups = groups_of(rows)
    place = {id: _place(name) for id, name in groups.items()}
    chosen: dict[str, Split] = {}
    by_label: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        if row.picked:
            # Held-out rows say how sure the student may be, and how often it errs, of texts drawn as they come. These
            # were picked for a doubtful or wrong answer: they would promise too little, and make the version that gave
            # that answer look worse than it is.
            chosen[row.id] = "train"
            continue
        chosen[row.id] = "held_out" if place[row.id] < share else "train"
        by_label[row.stratum].append(row)
    for members in by_label.values():
        members.sort(key=lambda row: (place[row.id], row.id))
        held = sum(chosen[row.id] == "held_out" for row in members)
        if held == len(members):
            chosen[members[-1].id] = "train"
        elif held == 0 and len(members) >= ENOUGH:
            chosen[members[0].id] = "held_out"
    return chosen


def folds(rows: Sequence[Row], count: int) -> list[list[Row]]:
    """The rows in so many parts of about the same size, fewer where there are fewer groups; rows on one source go
    together."""
    names, groups = groups_of(rows), defaultdict[str, list[Row]](list)
    for row in rows:
        groups[names[row.id]].append(row)
    ordered = sorted(groups, key=lambda name: hashlib.sha256(f"fold:{name}".encode()).digest())
    parts = [[row for name in ordered[start::count] for row in groups[name]] for start in range(count)]
    return [part for part in parts if part]


def group(row: Row) -> str:
    """What a row stays together with: its source, or itself."""
    return row.lineage.source or row.id


def groups_of(rows: Iterable[Row]) -> dict[str, str]:
    """Row id to group, of rows that are together: where a row's source is another of them, that one's group."""
    known = {row.id: row for row in rows}

    def end(row: Row) -> str:
        passed = {row.id}
        while (other := known.get(row.lineage.source)) and other.id not in passed:
            passed.add(other.id)
            row = other
        return group(row)

    return {id: end(row) for id, row in known.items()}


def without(rows: Iterable[Row], part: Iterable[Row]) -> list[Row]:
    """The rows that are not in a part, and rest on nothing that is.

    A row that a teacher wrote after several others rests on each of them.

    Args:
        rows: any.
        part: whole groups, as `folds` gives them.
    """
    away = {name for row in part for name in (row.id, group(row))}
    return [row for row in rows if away.isdisjoint((row.id, group(row), *group(row).split(",")))]


def _place(group: str) -> float:
    """Where a group falls between 0 and 1."""
    return int.from_bytes(hashlib.sha256(f"split:{group}".encode()).digest()[:8], "big") / 2**64
