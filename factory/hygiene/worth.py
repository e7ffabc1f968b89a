"""Which checks earn their keep: what each one drops, held against what people say of the same rows.

A row is bad if people gave it another label than the machines, or would not label it. Checks that guard the
examination or the reader (contamination, duplicates, pii, profanity) drop good labels on purpose; for them the table
tells what they cost.

What it cannot know: rows that nobody judged. People are mostly shown rows that passed every check, so of most drops
nobody knows whether they were right; recall is over the bad rows among those judged, and is the whole data's only
where the judged rows were drawn at random, dropped ones included. People who answer for simulated review have judged
real texts alone, of which checks of generated rows are not asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from factory.evidence.intervals import Interval, wilson
from factory.review.merge import CHECK as REVIEW
from factory.row import Row, Verdict

_NO_CHECKS = (REVIEW, "mask")  # verdicts that tell what happened, and drop nothing by themselves


@dataclass(frozen=True)
class Worth:
    """One check against people's judgement.

    Attributes:
        check: its name.
        dropped: rows it dropped, judged by people or not.
        judged: rows people judged among those the check was asked about.
        bad: of these, bad ones.
        flagged: of the judged ones, those it dropped.
        caught: of the flagged ones, bad ones.
        auc: probability that a bad row has a higher score than a good one, ties half; 0.5: the score says nothing, near
            0 or 1: a threshold would tell; None where one kind is missing.
    """

    check: str
    dropped: int
    judged: int
    bad: int
    flagged: int
    caught: int
    auc: float | None

    @property
    def precision(self) -> Interval | None:
        """Share of its drops that were right, Wilson 95 %; None where people judged none of its drops."""
        return wilson(self.caught, self.flagged) if self.flagged else None

    @property
    def recall(self) -> Interval | None:
        """Share of the bad rows that it dropped, Wilson 95 %; None where none was bad."""
        return wilson(self.caught, self.bad) if self.bad else None

    @property
    def earns(self) -> bool | None:
        """Whether its drops are bad more often than rows are anyhow; None where too few were judged to tell."""
        if self.precision is None:
            return None
        rate = self.bad / self.judged
        if self.precision.low > rate:
            return True
        return False if self.precision.high < rate else None


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


def judged(rows: Iterable[Row]) -> dict[str, str | None]:
    """What people said, by row id, as far as `review.merge` has written it into rows: a label, or None for no label."""
    return {
        row.id: row.decision if verdict.passed else None
        for row in rows
        for verdict in row.verdicts
        if verdict.check == REVIEW
    }


def table(rows: Sequence[Row], people: Mapping[str, str | None]) -> list[Worth]:
    """Every check's worth, in the order in which checks first appear.

    Args:
        rows: kept and dropped rows with their verdicts. The machines' label is `lineage.was`, or else `label`.
        people: row id to the label people gave, None where they would not label it; ids of other rows are passed over.
    """
    said: dict[str, list[tuple[Row, Verdict]]] = {}
    for row in rows:
        for verdict in row.verdicts:
            if verdict.check not in _NO_CHECKS:
                said.setdefault(verdict.check, []).append((row, verdict))
    return [_worth(name, pairs, people) for name, pairs in said.items()]


def sweep(rows: Sequence[Row], people: Mapping[str, str | None], check: str, low_is_bad: bool = True) -> list[Point]:
    """What every threshold on a check's score would do, from the strictest to the most lenient.

    Args:
        rows, people: as for `table`; rows without a score of this check, and those nobody judged, are passed over.
        check: the check's name.
        low_is_bad: whether a low score is a bad sign (consistency, label_noise) or a high one (contamination).
    """
    scored = sorted(
        (score if low_is_bad else -score, _bad(row, people))
        for row in rows
        if row.id in people
        for verdict in row.verdicts
        if verdict.check == check and (score := verdict.score) is not None
    )
    total = sum(bad for _, bad in scored)
    points, caught = [], 0
    for number, (score, bad) in enumerate(scored, 1):
        caught += bad
        last = number == len(scored) or scored[number][0] != score
        if last and total:
            threshold = score if low_is_bad else -score
            points.append(Point(threshold, number, wilson(caught, number), wilson(caught, total)))
    return points


def markdown(worths: Sequence[Worth]) -> str:
    """The table, and what it cannot know, for a report."""
    lines = [
        "| check | dropped | judged | bad | flagged | right | precision | recall | AUC | earns its keep |",
        "|---|---:|---:|---:|---:|---:|---|---|---:|---|",
    ]
    for one in worths:
        auc = "–" if one.auc is None else f"{one.auc:.2f}"
        earns = {True: "yes", False: "no", None: "not known"}[one.earns]
        lines.append(
            f"| {one.check} | {one.dropped:,} | {one.judged:,} | {one.bad:,} | {one.flagged:,} | {one.caught:,} "
            f"| {_share(one.precision)} | {_share(one.recall)} | {auc} | {earns} |"
        )
    return "\n".join(
        [
            *lines,
            "",
            "A row is bad if people gave it another label than the machines, or none. Intervals are Wilson's, 95 %. A "
            "check earns its keep where the lower end of its precision lies above the share of bad rows among those it "
            "was asked about. Rows nobody judged are not counted, and dropped rows are seldom shown to people: where "
            "`flagged` is far below `dropped`, precision is little known, and recall is that of the judged rows only.",
        ]
    )


def _worth(name: str, pairs: Sequence[tuple[Row, Verdict]], people: Mapping[str, str | None]) -> Worth:
    seen = [
        (verdict, _bad(row, people))
        for row, verdict in pairs
        if row.id in people and not verdict.reason.startswith("not asked")
    ]
    return Worth(
        check=name,
        dropped=sum(not verdict.passed for _, verdict in pairs),
        judged=len(seen),
        bad=sum(bad for _, bad in seen),
        flagged=sum(not verdict.passed for verdict, _ in seen),
        caught=sum(bad and not verdict.passed for verdict, bad in seen),
        auc=_auc([(verdict.score, bad) for verdict, bad in seen if verdict.score is not None]),
    )


def _bad(row: Row, people: Mapping[str, str | None]) -> bool:
    return people[row.id] != (row.lineage.was or row.decision)


def _auc(scored: Sequence[tuple[float, bool]]) -> float | None:
    """Mann and Whitney's statistic over pairs of a bad and a good row."""
    bad = sum(is_bad for _, is_bad in scored)
    if not 0 < bad < len(scored):
        return None
    from scipy.stats import rankdata

    ranks = rankdata([score for score, _ in scored])
    mine = float(sum(rank for rank, (_, is_bad) in zip(ranks, scored, strict=True) if is_bad))
    return (mine - bad * (bad + 1) / 2) / (bad * (len(scored) - bad))


def _share(interval: Interval | None) -> str:
    return "–" if interval is None else f"{interval.value:.2f} ({interval.low:.2f}–{interval.high:.2f})"
