"""What a threshold on a check's score would do to the rows that people judged, and what they suggest for a setting."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from factory.evidence.intervals import Interval, wilson
from factory.hygiene.worth import PRECISION, bad
from factory.row import Row

FEWEST = 20
"""Judged rows with a score below which no threshold is suggested."""


@dataclass(frozen=True)
class Point:
    """What a threshold on a check's score would do to the rows people judged.

    Attributes:
        threshold: rows on the bad side of it, or at it, go.
        flagged: how many go.
        precision: share of these that are bad.
        recall: share of the bad ones that go.
    """

    threshold: float
    flagged: int
    precision: Interval
    recall: Interval


def sweep(rows: Sequence[Row], people: Mapping[str, str | None], check: str, low_is_bad: bool = True) -> list[Point]:
    """What every threshold on a check's score would do, from the strictest to the most lenient.

    Args:
        rows, people: as for `table`; rows without a score of this check, and those nobody judged, are passed over.
        check: the check's name.
        low_is_bad: whether a low score is a bad sign (consistency, label_noise) or a high one (disagreement).
    """
    scored = sorted(
        (score if low_is_bad else -score, bad(row, people, check))
        for row in rows
        if row.id in people
        for verdict in row.verdicts
        if verdict.check == check and (score := verdict.score) is not None
    )
    total = sum(wrong for _, wrong in scored)
    points, caught = [], 0
    for number, (score, wrong) in enumerate(scored, 1):
        caught += wrong
        last = number == len(scored) or scored[number][0] != score
        if last and total:
            threshold = score if low_is_bad else -score
            points.append(Point(threshold, number, wilson(caught, number), wilson(caught, total)))
    return points


def advise(
    rows: Sequence[Row],
    people: Mapping[str, str | None],
    setting: str,
    now: float | None,
    low_is_bad: bool = True,
) -> dict[str, Any]:
    """What people's answers say of a setting beyond which a check drops rows, such as `hygiene.consistency`.

    Rows that it keeps and rows that it drops were drawn at different rates, so each side is looked at alone: the
    setting is made stricter if most of the judged rows between are surely bad (PRECISION), more lenient if only beyond
    another one are.

    Args:
        rows, people: as for `table`.
        setting: the check's name, and its key under `hygiene`.
        now: the setting; None: it is not set, and the check drops nothing.
        low_is_bad: as for `sweep`: rows below the setting are dropped; else those above.

    Returns:
        `setting`, `now`, `suggested` (None: nothing can be said, or no value does), `judged` rows with a score, `n` of
        them the suggestion rests on, and a `sentence`.
    """
    said = [(row, one) for row in rows if row.id in people for one in row.verdicts if one.check == setting]
    scored = [(row, one) for row, one in said if one.score is not None]
    gone = sweep([row for row, one in scored if not one.passed], people, setting, low_is_bad)
    kept = sweep([row for row, one in scored if one.passed], people, setting, low_is_bad)
    sure_gone, sure_kept = (
        [p for p in points if p.precision.low >= PRECISION and _beyond(p.threshold, low_is_bad) >= 0]
        for points in (gone, kept)
    )
    is_now, side = "is not set" if now is None else f"is {now:g}", "below" if low_is_bad else "above"

    def answer(suggested: float | None, n: int, sentence: str) -> dict[str, Any]:
        found = {"setting": f"hygiene.{setting}", "now": now, "suggested": suggested, "judged": len(scored), "n": n}
        return found | {"sentence": f"hygiene.{setting} {is_now}: {sentence}"}

    def suggest(point: Point, where: str) -> dict[str, Any]:
        value = _beyond(point.threshold, low_is_bad)
        told = f"of {point.flagged} judged rows {where}, {_share(point.precision)} are bad"
        return answer(value, point.flagged, f"{value:g} is suggested; {told}.")

    if len(scored) < FEWEST:
        return answer(None, 0, f"too few judged to suggest another value ({len(scored)} rows, {FEWEST} are needed).")
    if sure_kept:
        return suggest(sure_kept[-1], side if now is None else "between")
    if not sure_gone:
        return answer(None, 0, f"no value makes sure that most of what goes is bad ({len(scored)} rows judged).")
    point = sure_gone[-1]
    if point is gone[-1]:
        told = f"of {point.flagged} judged rows {side}, {_share(point.precision)} are bad"
        return answer(now, point.flagged, f"it can stay; {told}.")
    return suggest(point, side)


def _beyond(score: float, low_is_bad: bool) -> float:
    """The next thousandth on the good side of a score: a setting that drops it."""
    return math.floor(1000 * score + 1) / 1000 if low_is_bad else math.ceil(1000 * score - 1) / 1000


def _share(interval: Interval) -> str:
    return f"{interval.value:.0%} ({interval.low:.0%} to {interval.high:.0%})"
