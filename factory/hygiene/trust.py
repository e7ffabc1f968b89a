"""How far the judge's word can be trusted: what it drops, held against people; below the spec's floor it drops nothing.

A judge doubts a row where a check that rests on its word (CHECKS) drops it. People doubt it where they give another
decision than the machines', or none. They judge two random draws unaided: of the rows that were let pass, and of those
that were dropped (`factory.review.select`). The two are drawn at different rates, so every figure over both weighs each
by how many rows it stands for: kappa and recall are the whole data's, not the draws'.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from factory.evidence.intervals import Interval, wilson
from factory.hygiene import consistency, disagreement, rubric
from factory.hygiene.check import Context
from factory.hygiene.contest import dropped_by
from factory.row import Row

FILE = "judge.json"
"""Where the stage `review` keeps this."""
CHECKS = (consistency.NAME, disagreement.NAME, rubric.NAME)
"""Checks that rest on a judge's word."""
FEWEST, FEWEST_EACH = 20, 5
"""Rows that people must have judged before anything is said of the judge: in all, and of those that it drops and of
those that it lets pass."""


@dataclass(frozen=True)
class Trust:
    """The judge's drops against people's judgement.

    Attributes:
        floor: the kappa below which the judge drops nothing (spec.review.judge_floor); None: it always does.
        kept, dropped: rows that its checks let pass, and that they drop.
        judged_kept, judged_dropped: of these, rows that people judged.
        missed: of `judged_kept`, bad ones.
        caught: of `judged_dropped`, bad ones.
    """

    floor: float | None
    kept: int
    dropped: int
    judged_kept: int
    judged_dropped: int
    missed: int
    caught: int

    @property
    def known(self) -> bool:
        """Whether people have judged enough to say anything."""
        each = min(self.judged_kept, self.judged_dropped)
        return each >= FEWEST_EACH and self.judged_kept + self.judged_dropped >= FEWEST

    @property
    def precision(self) -> Interval | None:
        """Share of its drops that are right, Wilson 95 %; None where too little is known."""
        return wilson(self.caught, self.judged_dropped) if self.known else None

    @property
    def recall(self) -> Interval | None:
        """Share of all bad rows that it drops; None where too little is known, or people found no bad row.

        The interval takes both draws at their ends at once, so it is wider than 95 %.
        """
        return self._over_both(_recall) if self.caught + self.missed else None

    @property
    def kappa(self) -> Interval | None:
        """Cohen's kappa (1960) of dropping and people's doubt, over all rows: 1 the same, 0 as by chance.

        None where too little is known; the interval is as for recall.
        """
        return self._over_both(_kappa)

    @property
    def suspended(self) -> bool:
        """Whether its word drops no row: it is known to be below the floor."""
        if self.floor is None or self.kappa is None:
            return False
        return self.floor - self.kappa.value > 1e-9  # at the floor is not below it, however its last digit was rounded

    def context(self, known: Context) -> Context:
        """What checks may know, and that those of a judge below its floor drop nothing."""
        return replace(known, suspended=CHECKS) if self.suspended else known

    @property
    def slice(self) -> str:
        """What the audit slice is, in words: of rows that the judge doubts another slice is drawn."""
        rest = ", without what the judge doubts" if self.suspended else ""
        return f"a random slice of the rows, judged by people unaided{rest}"

    @property
    def sentence(self) -> str:
        """All of this in plain words."""
        judged = self.judged_kept + self.judged_dropped
        if not self.dropped:
            return "Nothing is dropped on the judge's word."
        if self.kappa is None or self.precision is None:
            return (
                f"How far the judge can be trusted is not known: people have judged {judged} rows that were drawn at "
                f"random, {self.judged_dropped} of these doubted by it; {FEWEST} are needed, and {FEWEST_EACH} each of "
                "what it doubts and what it lets pass. Its word drops rows."
            )
        figures = (
            f"kappa with people is {self.kappa.value:.2f} ({self.kappa.low:.2f} to {self.kappa.high:.2f}) over {judged}"
            f" rows drawn at random; {self.caught} of the {self.judged_dropped} rows it doubts that people judged are "
            f"bad ({self.precision.low:.0%} to {self.precision.high:.0%})"
        )
        if self.recall:
            figures += f", and {self.recall.value:.0%} of all bad rows are among what it doubts"
        if self.suspended:
            return (
                f"The judge is below its floor, so nothing is dropped on its word: {figures}; a kappa of "
                f"{self.floor:g} is asked. {self.dropped:,} rows that it doubts were not dropped for that."
            )
        asked = "no floor is set" if self.floor is None else f"{self.floor:g} is asked"
        return f"The judge's word drops rows: {figures}; {asked}."

    def to_json(self) -> dict[str, Any]:
        """As judge.json holds it; what is not known is null."""
        figures = {name: getattr(self, name) for name in ("kappa", "precision", "recall")}
        return {
            "floor": self.floor,
            "suspended": self.suspended,
            "rows": self.kept + self.dropped,
            "of these doubted": self.dropped,
            "judged": self.judged_kept + self.judged_dropped,
            "of these judged doubted": self.judged_dropped,
            "bad, doubted": self.caught,
            "bad, not doubted": self.missed,
            **{name: vars(one) if one else None for name, one in figures.items()},
            "sentence": self.sentence,
        }

    def _over_both(self, figure: Callable[[float, float, float], float]) -> Interval | None:
        """A figure of the share of rows dropped, how often drops are right, and how often what passed is bad.

        Every such figure rises with the second and falls with the third, so their ends give its ends.
        """
        if not self.known:
            return None
        share = self.dropped / (self.kept + self.dropped)
        right, bad = wilson(self.caught, self.judged_dropped), wilson(self.missed, self.judged_kept)
        ends = ((right.value, bad.value), (right.low, bad.high), (right.high, bad.low))
        return Interval(*(figure(share, one, other) for one, other in ends))


def measure(
    rows: Sequence[Row],
    people: Mapping[str, str | None],
    floor: float | None,
    agree: Callable[[str, str | None], bool] = lambda machine, said: machine == said,
) -> Trust:
    """The judge's drops against people.

    Args:
        rows: kept and dropped rows as the machines saw them, with what the judge's checks would do if it drops rows.
        people: row id to what people decided (`Row.decision`), None where they would not, of rows drawn at random.
        floor: spec.review.judge_floor.
        agree: whether a machine's decision and people's come to the same.
    """
    asked = {row.id: (row, doubt) for row in rows if (doubt := doubted(row)) is not None}
    bad = {
        row.id: not agree(row.lineage.was or row.decision, people[row.id])
        for row, _ in asked.values()
        if row.id in people
    }
    sides = {doubt: [key for key, (_, found) in asked.items() if found is doubt] for doubt in (False, True)}
    judged = {doubt: [bad[key] for key in keys if key in bad] for doubt, keys in sides.items()}
    return Trust(
        floor=floor,
        kept=len(sides[False]),
        dropped=len(sides[True]),
        judged_kept=len(judged[False]),
        judged_dropped=len(judged[True]),
        missed=sum(judged[False]),
        caught=sum(judged[True]),
    )


def doubted(row: Row) -> bool | None:
    """Whether a row is dropped on the judge's word; None: the judge was not asked, or another check dropped it."""
    if row.origin in ("reviewed", "example") or dropped_by(row) not in ("", *CHECKS):
        return None
    asked = [one for one in row.verdicts if one.check in CHECKS and not one.reason.startswith("not asked")]
    return any(not one.passed for one in asked) if asked else None


def _recall(share: float, right: float, bad: float) -> float:
    found, lost = share * right, (1 - share) * bad
    return found / (found + lost) if found + lost else 0.0


def _kappa(share: float, right: float, bad: float) -> float:
    from sklearn.metrics import cohen_kappa_score

    cells = [share * right, share * (1 - right), (1 - share) * bad, (1 - share) * (1 - bad)]
    return float(cohen_kappa_score([1, 1, 0, 0], [1, 0, 1, 0], sample_weight=cells))
