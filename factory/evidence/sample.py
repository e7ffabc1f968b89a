"""A fixed, stratified, nested sample of gold rows, for whoever is too slow to be measured on all of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from factory.files import digest
from factory.row import Gold

SEED = 13


def sample(gold: Sequence[Gold], n: int, seed: int = SEED) -> list[Gold]:
    """n of the gold rows, in their own order; all of them where n is 0 or not less than there are.

    Every label (or set of types or of fields) gets a row first (the most frequent labels, where n is less than the
    labels there are), then each its share. Which rows depends on the seed and the rows' ids, not on their order;
    sample(200) is part of sample(300).
    """
    if n < 0:
        raise ValueError("n must not be negative")
    if n == 0 or n >= len(gold):
        return list(gold)
    chosen = {row.id for row in _ranked(gold, seed)[:n]}
    return [row for row in gold if row.id in chosen]


def describe(gold: Sequence[Gold], n: int, seed: int = SEED) -> str:
    """The sample's name in evidence: `all`, or `stratified 200 of 1004, seed 13`."""
    return "all" if n == 0 or n >= len(gold) else f"stratified {n} of {len(gold)}, seed {seed}"


def _ranked(gold: Sequence[Gold], seed: int) -> list[Gold]:
    """All rows in an order whose every beginning is stratified."""
    strata: dict[str, list[Gold]] = defaultdict(list)
    for row in sorted(gold, key=lambda row: _draw(row, seed)):
        strata[row.stratum].append(row)
    ranked: list[tuple[float, str, Gold]] = []
    for rows in strata.values():
        for place, row in enumerate(rows):
            # A label's first row comes before all others, frequent labels first; the rest spread evenly over (0, 1).
            position = (place + 0.5) / len(rows) if place else -float(len(rows))
            ranked.append((position, _draw(row, seed), row))
    return [row for _, _, row in sorted(ranked, key=lambda item: item[:2])]


def _draw(row: Gold, seed: int) -> str:
    return digest([seed, row.id])
