"""Does one label drown the others? Labels with many more rows than the median label lose those least believed in.

Where a decision is more than a label, what drowns the rest is texts that hold nothing: they may be as many as hold the
median type or field.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from statistics import median_low

from factory.hygiene.check import Context, believed, not_asked, unasked
from factory.row import Row, Verdict
from factory.strata import NONE, names_in

NAME = "balance"


def check(rows: Sequence[Row], context: Context) -> list[Verdict]:
    """Drop generated and unlabelled rows above `hygiene.balance` times the median label's rows.

    A row counts for its likeliest label, so this comes after the committee has voted; one with spans or a record counts
    for each type or field that it holds, once somebody has read it, and is dropped only if it holds none. Rows that
    people labelled count and stay. The score is weight x probability of the label; the lowest go first, ties by id. The
    median is over labels that have rows, and a size that is there (the lower of two middle ones), so balancing twice is
    balancing once.
    """
    factor = context.spec.hygiene.balance
    if factor is None:
        return unasked(NAME, rows)
    classes: defaultdict[str, list[int]] = defaultdict(list)
    sizes: Counter[str] = Counter()
    for place, row in enumerate(rows):
        names = [believed(row)] if row.label else names_in(row.stratum)
        sizes.update(names)
        if row.label or not names:
            classes[names[0] if names else NONE].append(place)
    verdicts = [_verdict(row) for row in rows]
    if not sizes:  # nobody has found anything yet
        return verdicts
    middle = median_low(list(sizes.values()))
    cap = int(factor * middle)
    for label, members in classes.items():
        spare = [place for place in members if rows[place].origin in ("generated", "unlabelled")]
        spare.sort(key=lambda place: (_belief(rows[place]), rows[place].id))
        for place in spare[: max(0, len(members) - cap)]:
            reason = f"over-full label: {label} has {len(members)} rows, {cap} are allowed ({factor:g} x {middle})"
            verdicts[place] = Verdict(check=NAME, passed=False, score=_belief(rows[place]), reason=reason)
    return verdicts


def _verdict(row: Row) -> Verdict:
    if row.origin in ("reviewed", "example"):
        return not_asked(NAME, "people labelled it")
    return Verdict(check=NAME, passed=True, score=_belief(row))


def _belief(row: Row) -> float:
    return round(row.weight * (row.distribution()[believed(row)] if row.label else 1.0), 6)
