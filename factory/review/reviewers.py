"""How far reviewers agree, how often each is right, and what the answers of several to one row amount to.

Each person is taken to be right with a probability of their own, and when wrong to give any other decision alike: the
one-coin model of Dawid and Skene (1979), fitted by expectation maximisation to the rows that several people answered.
No truth is needed, since people who agree with others who agree are believed more; where a dispute was settled, that
is taken for the truth. Answers in words of one's own are never the same, so nothing of this is said of them.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from factory.review.backend import DISPUTED, Answer, WordedAnswer, Worth

Decision = str | None
"""What somebody gave, as `Answer.decision` writes it; None: that nothing can be given."""

LEAST = 10
"""Rows that somebody must have answered along with others before it is said how often they are right."""
BELIEVED = 0.7
"""A decision less probable than this is no decision: of three people of whom each is right seven times of ten, two that
agree are enough, and two of whom each says another thing never are."""
BEFORE = (4.0, 1.0)
"""Right and wrong answers that everybody is given to begin with, so that few rows make nobody infallible."""
_ROUNDS, _CLOSE = 200, 1e-6


@dataclass(frozen=True)
class Standing:
    """One person's.

    Attributes:
        right: how often they are right, 0 to 1.
        rows: rows that they answered along with others, on which that rests.
    """

    right: float
    rows: int


def latest(answers: Iterable[Answer]) -> list[Answer]:
    """Of one person's answers to one row the latest; what settles a dispute counts apart."""
    found: dict[tuple[str, str, bool], Answer] = {}
    for answer in answers:
        key = (answer.row_id, answer.reviewer, answer.reason == DISPUTED)
        if key not in found or answer.submitted_at >= found[key].submitted_at:
            found[key] = answer
    return list(found.values())


def standings(answers: Iterable[Answer]) -> dict[str, Standing]:
    """Everybody who answered a row that others answered too, by pseudonym."""
    rows, settled = _shared(answers)
    options = _options(rows)
    counts = Counter(person for given in rows.values() for person in given)
    right = dict.fromkeys(counts, BEFORE[0] / sum(BEFORE))
    for _ in range(_ROUNDS):
        sums: defaultdict[str, float] = defaultdict(float)
        for row_id, given in rows.items():
            beliefs = {settled[row_id]: 1.0} if row_id in settled else _beliefs(given, right, options)
            for person, decision in given.items():
                sums[person] += beliefs.get(decision, 0.0)
        after = {person: (sums[person] + BEFORE[0]) / (count + sum(BEFORE)) for person, count in counts.items()}
        moved = max((abs(after[person] - right[person]) for person in right), default=0.0)
        right = after
        if moved < _CLOSE:
            break
    return {person: Standing(right[person], count) for person, count in sorted(counts.items())}


def weighed(answers: Sequence[Answer]) -> list[Answer]:
    """The answers, each with how often its giver is right, where enough rows tell."""
    options = _options(_shared(answers)[0])
    people = standings(answers).items()
    known = {person: Worth(one.right, options) for person, one in people if one.rows >= LEAST}
    return [replace(answer, worth=known.get(answer.reviewer)) for answer in answers]


def believed(given: Sequence[Answer]) -> tuple[Decision, float]:
    """The most probable decision on a row, by the answers' worth, and its probability.

    Somebody of whom nothing is known is taken to be as right as everybody is to begin with.
    """
    said = {answer.reviewer: answer.decision for answer in given}
    unknown = BEFORE[0] / sum(BEFORE)
    right = {answer.reviewer: answer.worth.right if answer.worth else unknown for answer in given}
    others = len(set(said.values())) + 1  # at least one that nobody gave
    options = max([others, *(answer.worth.options for answer in given if answer.worth)])
    beliefs = _beliefs(said, right, options)
    return max(beliefs.items(), key=lambda item: item[1])


def disputed(answers: Sequence[Answer], people: int) -> dict[str, list[Answer]]:
    """The rows that as many people answered as were asked to, without a decision that is believed; with the answers."""
    rows: defaultdict[str, list[Answer]] = defaultdict(list)
    settled = set()
    for answer in latest(answers):
        if answer.reason == DISPUTED:
            settled.add(answer.row_id)
        elif not isinstance(answer, WordedAnswer):
            rows[answer.row_id].append(answer)
    full = {row_id: given for row_id, given in rows.items() if len(given) >= people and row_id not in settled}
    return {row_id: given for row_id, given in sorted(full.items()) if believed(given)[1] < BELIEVED}


def alpha(answers: Iterable[Answer], decision: str | None = None) -> float | None:
    """Krippendorff's alpha for nominal data (Krippendorff 2011): 1 people always agree, 0 as often as by chance.

    Written out here because the package `krippendorff` is under the GPL, which this project is not.

    Args:
        answers: all there are; rows that one person answered do not count.
        decision: tell only whether this was given or something else.

    Returns:
        None where it is undefined: nothing was answered by several, or all said the same thing of all rows.
    """
    rows, _ = _shared(answers)
    units = [
        Counter(said if decision is None else str(said == decision) for said in given.values())
        for given in rows.values()
    ]
    values: Counter[Decision] = Counter()
    for unit in units:
        values.update(unit)
    n = values.total()
    expected = n * n - sum(count * count for count in values.values())
    if not expected:
        return None
    observed = 0.0
    for unit in units:
        size = unit.total()
        observed += (size * size - sum(count * count for count in unit.values())) / (size - 1)
    return 1.0 - (n - 1) * observed / expected


def table(answers: Sequence[Answer]) -> dict[str, Any]:
    """What is known of reviewers, as reviewers.json holds it; empty where nobody answered what others did."""
    rows, _ = _shared(answers)
    if not rows:
        return {}
    decisions = sorted({said for given in rows.values() for said in given.values() if said is not None})
    people = standings(answers)
    return {
        "rows": len(rows),
        "alpha": _short(alpha(answers)),
        "by decision": {said: _short(alpha(answers, said)) for said in decisions} if len(decisions) < 100 else {},
        "people": {name: {"right": round(one.right, 4), "rows": one.rows} for name, one in people.items()},
    }


def _shared(answers: Iterable[Answer]) -> tuple[dict[str, dict[str, Decision]], dict[str, Decision]]:
    """The rows that several people answered, with what each gave; and how disputes were settled."""
    rows: defaultdict[str, dict[str, Decision]] = defaultdict(dict)
    settled: dict[str, Decision] = {}
    for answer in sorted(latest(answers), key=lambda one: (one.submitted_at, one.reviewer)):
        if isinstance(answer, WordedAnswer):
            continue
        if answer.reason == DISPUTED:
            settled[answer.row_id] = answer.decision
        else:
            rows[answer.row_id][answer.reviewer] = answer.decision
    return {row_id: given for row_id, given in rows.items() if len(given) > 1}, settled


def _options(rows: Mapping[str, Mapping[str, Decision]]) -> int:
    """Among how many decisions people choose, as far as their answers tell."""
    return max(2, len({decision for given in rows.values() for decision in given.values()}))


def _beliefs(given: Mapping[str, Decision], right: Mapping[str, float], options: int) -> dict[Decision, float]:
    """The probability of each decision that was given, among so many that could have been, all alike before."""
    said = list(dict.fromkeys(given.values()))
    others = math.log(options - 1)
    logs = {
        decision: sum(
            math.log(right[who]) if one == decision else math.log1p(-right[who]) - others for who, one in given.items()
        )
        for decision in said
    }
    most = max(logs.values())
    unsaid = sum(math.log1p(-right[who]) - others for who in given)
    whole = sum(math.exp(one - most) for one in logs.values()) + (options - len(said)) * math.exp(unsaid - most)
    return {decision: math.exp(one - most) / whole for decision, one in logs.items()}


def _short(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
