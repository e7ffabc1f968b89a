"""What people's answers change: rows confirmed, corrected or dropped, and how right the machines were."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from factory.evidence.intervals import wilson
from factory.review import reviewers
from factory.review.backend import AUDIT, DISPUTED, PROBLEMS, UNAIDED, Answer, WordedAnswer
from factory.row import REVIEW, Lineage, Row, Verdict
from factory.wording import middle


@dataclass(frozen=True)
class Merged:
    """Rows after review.

    Attributes:
        rows: all rows that stay, in their order.
        dropped: rows people would not label, each with a failed `review` verdict that says why.
        unresolved: ids of rows on which people are evenly divided; they stay as they were.
        orphans: answers to rows that are not among those given; `adopt` makes rows of them.
    """

    rows: list[Row]
    dropped: list[Row]
    unresolved: list[str]
    orphans: list[Answer]


@dataclass(frozen=True)
class Audit:
    """How often the machines' labels are right, by people who judged a random slice unaided.

    Attributes:
        n: rows judged.
        right: rows to which people gave the machines' label; a row they would not label counts as wrong.
        low, high: Wilson's 95 % interval of right / n; 0 and 1 where nothing was judged.
    """

    n: int
    right: int
    low: float
    high: float


def merge(rows: Iterable[Row], answers: Sequence[Answer]) -> Merged:
    """Apply answers to rows.

    The majority decides; where answers have a worth (factory.review.reviewers.weighed), what is believed by it. On a
    tie, or where nothing is believed, the row stays as it was until somebody settles it. A decided row is `reviewed`:
    all of its probability on the label people gave, a weight as high as that is probable (1 where nothing is known of
    them), their pseudonyms and the machines' label, if it was another, in its lineage. Merging the same answers again
    changes nothing.
    """
    votes = _by_row(answers)
    merged = Merged([], [], [], [])
    found = set()
    for row in rows:
        given = votes.get(row.id)
        if given is None:
            merged.rows.append(row)
            continue
        found.add(row.id)
        decided, label = _majority(given)
        if not decided:
            merged.unresolved.append(row.id)
            merged.rows.append(row)
        elif label is None:
            merged.dropped.append(
                _judged(row, row.decision, given, Verdict(check=REVIEW, passed=False, reason=_why(given)))
            )
        else:
            merged.rows.append(_reviewed(row, label, given))
    merged.orphans.extend(answer for row_id, given in votes.items() if row_id not in found for answer in given)
    return merged


def appeal(dropped: Iterable[Row], orphans: Sequence[Answer]) -> Merged:
    """Apply answers to rows that checks dropped before people saw them.

    Args:
        dropped: rows with the refusals that dropped them.
        orphans: Merged.orphans of the rows that were kept.

    Returns:
        As `merge`, but `rows` holds those alone to which people gave a label. The checks' refusals stay on them: it is
        for the caller to say which of these a person overrules. Each text comes once.
    """
    labels, answered = said(orphans), {answer.row_id for answer in orphans}
    rows: dict[str, Row] = {}
    for row in dropped:
        # Real text that was dropped never had a machine's label, which a person could confirm or correct.
        label = labels.get(row.id) if row.origin == "unlabelled" else None
        if row.id in answered:
            rows.setdefault(row.id, row.model_copy(update={"label": label}) if label else row)
    merged = merge(rows.values(), orphans)
    return replace(merged, rows=[row for row in merged.rows if row.id not in merged.unresolved])


def adopt(orphans: Sequence[Answer], spec: str) -> list[Row]:
    """Rows made of answers alone, so that a person's time is not lost when the row is no longer made.

    Args:
        orphans: Merged.orphans; those without a text, a majority or a label are passed over.
        spec: identity of the spec, for the lineage.
    """
    rows = []
    for row_id, given in _by_row(orphans).items():
        decided, label = _majority(given)
        text = next((answer.text for answer in given if answer.text), "")
        if decided and label is not None and text:
            lineage = Lineage(spec=spec, source=row_id)
            blank = Row(text=text, **_as_row(label, given), origin="reviewed", lineage=lineage)
            rows.append(_reviewed(blank, label, given))
    return rows


def keep_reviewed(machine: Iterable[Row], reviewed: Iterable[Row]) -> list[Row]:
    """Both, each text once: where people have judged a text, no machine's row takes its place."""
    rows = {row.id: row for row in machine}
    rows.update({row.id: row for row in reviewed})
    return list(rows.values())


def said(answers: Iterable[Answer]) -> dict[str, str | None]:
    """What the majority says, by row id: a label, or None for no label; ties are left out."""
    majorities = {row_id: _majority(given) for row_id, given in _by_row(answers).items()}
    return {row_id: label for row_id, (decided, label) in majorities.items() if decided}


def unaided(answers: Iterable[Answer]) -> dict[str, str | None]:
    """The same of rows that were drawn at random, which no machine's decision led people to judge one way."""
    return said(answer for answer in answers if answer.reason in UNAIDED)


def audit(rows: Iterable[Row], answers: Sequence[Answer]) -> Audit:
    """Measure the machines' labels on the audit slice.

    Args:
        rows: the rows as the machines labelled them, before `merge` drops any.
        answers: all answers; those to rows shown for another reason than `audit` are passed over, as are ties.
    """
    pairs = audited(rows, answers)
    right = sum(machine == people for machine, people in pairs)
    if not pairs:
        return Audit(0, 0, 0.0, 1.0)
    band = wilson(right, len(pairs))
    return Audit(len(pairs), right, band.low, band.high)


def audited(rows: Iterable[Row], answers: Sequence[Answer]) -> list[tuple[str, str | None]]:
    """What the machines decided and what people did, for each row of the audit slice; as for `audit`."""
    votes = _by_row([answer for answer in answers if answer.reason == AUDIT])
    majorities = [(row.lineage.was or row.decision, *_majority(votes.get(row.id, []))) for row in rows]
    return [(machine, people) for machine, decided, people in majorities if decided]


def _by_row(answers: Iterable[Answer]) -> dict[str, list[Answer]]:
    """Answers by row; of one person's answers to one row the latest."""
    rows: dict[str, list[Answer]] = {}
    for answer in reviewers.latest(answers):
        rows.setdefault(answer.row_id, []).append(answer)
    return rows


def _majority(given: Sequence[Answer]) -> tuple[bool, str | None]:
    """Whether one answer is believed, and which: by people's worth, or where that is not known, what most of them gave.

    None is an answer: no label. Whoever settled a dispute decides alone. In words of their own no two people say quite
    the same: where more of them answer than refuse, the answer is taken that is most like the others'.
    """
    settled = [answer for answer in given if answer.reason == DISPUTED]
    if settled:
        return True, max(settled, key=lambda answer: answer.submitted_at).decision
    worded = [answer.decision for answer in given if isinstance(answer, WordedAnswer) and answer.decision is not None]
    if 2 * len(worded) > len(given):
        return True, worded[middle(worded)[0]]
    if len(given) < 2:
        return bool(given), given[0].decision if given else None
    decision, belief = reviewers.believed(given)
    return (True, decision) if belief >= reviewers.BELIEVED else (False, None)


def _reviewed(row: Row, label: str, given: Sequence[Answer]) -> Row:
    machine = row.lineage.was or row.decision
    reason = "confirmed" if label == machine else f"corrected from {machine}"
    judged = _judged(row, label, given, Verdict(check=REVIEW, passed=True, score=_rating(given), reason=reason))
    changed = {**_as_row(label, given), "soft": None, "weight": _weight(given), "origin": "reviewed"}
    return judged.model_copy(update=changed)


def _weight(given: Sequence[Answer]) -> float:
    """How probable what people decided is, where something is known of them; 1 where a dispute was settled."""
    if any(answer.reason == DISPUTED for answer in given) or all(answer.worth is None for answer in given):
        return 1.0
    return round(reviewers.believed(given)[1], 4)


def _rating(given: Sequence[Answer]) -> float | None:
    """The mean of people's ratings of the machine's answer; None where nobody gave one."""
    ratings = [answer.rating for answer in given if isinstance(answer, WordedAnswer) and answer.rating is not None]
    return round(sum(ratings) / len(ratings), 2) if ratings else None


def _as_row(decision: str, given: Sequence[Answer]) -> dict[str, Any]:
    """A decision as a row's fields."""
    answer = next(answer for answer in given if answer.decision == decision)
    return answer.decided


def _judged(row: Row, label: str, given: Sequence[Answer], verdict: Verdict) -> Row:
    machine = row.lineage.was or row.decision
    reviewers = sorted({*row.lineage.reviewers, *(answer.reviewer for answer in given)})
    lineage = row.lineage.model_copy(update={"reviewers": reviewers, "was": machine if label != machine else None})
    verdicts = [*(old for old in row.verdicts if old.check != REVIEW), verdict]
    return row.model_copy(update={"lineage": lineage, "verdicts": verdicts})


def _why(given: Sequence[Answer]) -> str:
    said = [
        ": ".join(part for part in (PROBLEMS.get(answer.problem, answer.problem), answer.comment) if part)
        for answer in given
        if answer.decision is None
    ]
    return ". ".join(["No label given", *(text for text in dict.fromkeys(said) if text)])
