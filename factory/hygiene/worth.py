"""Which checks earn their keep: what each one drops, held against what people say of the same rows.

A row is bad if people would not label it or, where a teacher was asked for a label, gave it another; to a check that
doubts the label of real text too (DOUBTS_LABELS), also where the machines gave it another. People judge two
random draws unaided: of the rows that the checks kept, and of those that they dropped (`factory.review.select`). Only
checks whose drops a person can contest are judged; `factory.hygiene.contest` says of the others why not.

What it cannot know: rows that nobody judged. Dropped rows are drawn oftener than kept ones, so recall is over the bad
rows among those judged, and is not the whole data's. People who answer for simulated review have judged real texts
alone, of which checks of generated rows are not asked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from factory.evidence.intervals import Interval, wilson
from factory.hygiene.contest import CONTESTED, GUARDS
from factory.row import REVIEW, Row, Verdict

PRECISION = 0.5
"""The share of bad rows that is asked of what a check drops."""

DOUBTS_LABELS = ("disagreement",)
"""Checks of real text whose drops say that its label by the machines is not to be believed."""

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
    def passed(self) -> Interval | None:
        """Share of bad rows among the judged ones it let pass, Wilson 95 %; None where none of these was judged."""
        passed = self.judged - self.flagged
        return wilson(self.bad - self.caught, passed) if passed else None

    @property
    def earns(self) -> bool | None:
        """True: its drops are surely bad more often than what it lets pass. False: they are not, and most are surely
        good. None: too few were judged to tell, or nobody is asked."""
        if self.precision is None or self.check not in CONTESTED:
            return None
        if self.passed is not None and self.precision.low > self.passed.value:
            return True
        return False if self.precision.high < PRECISION else None

    @property
    def sentence(self) -> str:
        """All of this in plain words."""
        if self.dropped == 0:
            return f"{self.check} dropped nothing."
        drops = f"{self.dropped:,} {'row' if self.dropped == 1 else 'rows'}"
        if self.check not in CONTESTED:
            why = GUARDS.get(self.check, "nobody has said what their word would mean here")
            return f"{self.check} dropped {drops}; people are not asked, because {why}."
        if self.precision is None:
            return f"{self.check} dropped {drops}; people have judged none of these, so its worth is not known."
        says = {True: "earns its keep", False: "does not earn its keep", None: "is not known to earn its keep"}
        others = self.judged - self.flagged
        return (
            f"{self.check} {says[self.earns]}: {self.caught} of the {self.flagged} drops that people judged were right"
            f" ({self.precision.low:.0%} to {self.precision.high:.0%}); of {others} judged rows that it let pass, "
            f"{self.bad - self.caught} are bad."
        )

    def to_json(self) -> dict[str, Any]:
        """As worth.json holds it; what is not known, and what a guard is not asked, is null."""
        contested = self.check in CONTESTED
        counts = {name: getattr(self, name) for name in ("judged", "bad", "flagged", "caught")}
        return {
            "check": self.check,
            "dropped": self.dropped,
            **{name: count if contested else None for name, count in counts.items()},
            "precision": vars(self.precision) if contested and self.precision else None,
            "recall": vars(self.recall) if contested and self.recall else None,
            "auc": round(self.auc, 4) if contested and self.auc is not None else None,
            "earns": {True: "yes", False: "no", None: "unknown"}[self.earns] if contested else "not asked",
            "sentence": self.sentence,
        }


def table(rows: Sequence[Row], people: Mapping[str, str | None]) -> list[Worth]:
    """Every check's worth, in the order in which checks first appear.

    Args:
        rows: kept and dropped rows with their verdicts, as they were before people answered (or as `review.merge` left
            them: the machines' label is `lineage.was`, or else `label`).
        people: row id to the label people gave, None where they would not label it; ids of other rows are passed over.
    """
    said: dict[str, list[tuple[Row, Verdict]]] = {}
    for row in rows:
        for verdict in row.verdicts:
            if verdict.check not in _NO_CHECKS:
                said.setdefault(verdict.check, []).append((row, verdict))
    return [_worth(name, pairs, people) for name, pairs in said.items()]


def bad(row: Row, people: Mapping[str, str | None], check: str) -> bool:
    """Whether a row that people judged is no good example of the label the machines gave it, as a check means it."""
    said, meant = people[row.id], row.origin != "unlabelled" or check in DOUBTS_LABELS
    return said is None or (meant and said != (row.lineage.was or row.decision))


def _worth(name: str, pairs: Sequence[tuple[Row, Verdict]], people: Mapping[str, str | None]) -> Worth:
    seen = {  # each text once: people have judged it once
        row.id: (verdict, bad(row, people, name))
        for row, verdict in pairs
        if row.id in people and not verdict.reason.startswith("not asked")
    }.values()
    return Worth(
        check=name,
        dropped=sum(not verdict.passed for _, verdict in pairs),
        judged=len(seen),
        bad=sum(wrong for _, wrong in seen),
        flagged=sum(not verdict.passed for verdict, _ in seen),
        caught=sum(wrong and not verdict.passed for verdict, wrong in seen),
        auc=auc([(verdict.score, wrong) for verdict, wrong in seen if verdict.score is not None]),
    )


def auc(scored: Sequence[tuple[float, bool]]) -> float | None:
    """Mann and Whitney's statistic over pairs of a bad and a good row."""
    bad = sum(is_bad for _, is_bad in scored)
    if not 0 < bad < len(scored):
        return None
    from scipy.stats import rankdata

    ranks = rankdata([score for score, _ in scored])
    mine = float(sum(rank for rank, (_, is_bad) in zip(ranks, scored, strict=True) if is_bad))
    return (mine - bad * (bad + 1) / 2) / (bad * (len(scored) - bad))
