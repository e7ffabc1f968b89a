"""Which rows are worth a person's time.

A part of the budget, the audit slice, is drawn at random: people judge it unaided, and how often the machines' labels
agree with theirs is an unbiased measure of the data. A share of this slice goes to rows that checks dropped, drawn at
random and from each check in turn, so that people tell which checks were right. The rest of the budget goes to the rows
the machines are least sure of: a small margin between the two best labels (Scheffer et al. 2001), or judges who are
divided (McCallum & Nigam 1998). Where texts have vectors, doubts are weighed with how many rows in doubt lie near and
how far the nearest one is that people judge anyway (factory.review.herding); else ties go by entropy, spread over
labels. Texts that came back from production come before all others. None is nearly the same as another.

Which rows are for the audit is drawn once and for all: those are shown for no other reason, whatever the budget.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from factory.files import digest
from factory.hygiene import disagreement, rubric
from factory.hygiene.contest import CONTESTED, dropped_by
from factory.review import herding
from factory.review.backend import AUDIT, SPOT_CHECK, UNAIDED, Item
from factory.row import Row

AGREEMENT = "answering"
"""The verdict on a teacher's answer: how alike its answers to the same question are, 0 to 1."""
SURE = (AGREEMENT, rubric.NAME)
_MACHINE = ("generated", "unlabelled")
_ALIKE = 0.8
_CANDIDATES, _LIKELY = 4, 0.05
_LEAST_DOUBT = 0.3
"""What every row counts for besides its doubt: machines are sure of what they have never seen."""


@dataclass(frozen=True)
class Selection:
    """A row for people.

    Attributes:
        row: the row.
        reason: `audit` (drawn at random), `spot check` (the same, of rows that checks dropped), `uncertain` (the
            machines hesitate) or `coverage` (they do not, but there was room).
        score: how much the machines hesitate, 0 (not at all) to 1 (two labels are equally likely, or judges are each
            sure of another one).
        people: how many are to judge it.
    """

    row: Row
    reason: str
    score: float
    people: int = 1

    @property
    def _confidence(self) -> float:
        if self.row.kind == "generation":
            return 1.0 - self.score
        return self.row.distribution().get(self.row.label, 0.0)

    def item(self) -> Item:
        """What a person sees; rows drawn at random come without the machine's label, which would sway the judgement."""
        ranked = sorted(self.row.distribution().items(), key=lambda item: (-item[1], item[0]))
        likely = tuple(label for label, p in ranked[:_CANDIDATES] if p >= _LIKELY and label)
        return Item(
            row_id=self.row.id,
            text=self.row.text,
            suggestion=None if self.reason in UNAIDED else self.row.decision,
            confidence=round(self._confidence, 4),
            reason=self.reason,
            candidates=() if self.reason in UNAIDED else likely,
            metadata={"origin": self.row.origin, "machine": self.row.stratum},
            people=self.people,
        )


def select(
    rows: Sequence[Row],
    budget: int,
    audit: float,
    seed: int = 0,
    asked: Collection[str] = (),
    *,
    dropped: Sequence[Row] = (),
    share: float = 0.0,
    overlap: float = 0.0,
    people: int = 2,
    vectors: Mapping[str, herding.Array] | None = None,
) -> list[Selection]:
    """Choose rows to show.

    Args:
        rows: the candidates; rows that people have seen or written (`reviewed`, `example`) are passed over.
        budget: rows at most.
        audit: share of the budget that is drawn at random (spec.review.audit), 0 to 1.
        seed: another seed draws another audit slice.
        asked: ids of rows not to ask about again.
        dropped: rows that checks dropped and that people may be shown (factory.hygiene.contest.showable); those that a
            guard dropped are passed over in any case.
        share: share of the audit slice that goes to dropped rows (spec.review.dropped), 0 to 1; where there are fewer,
            the others get the rest.
        overlap: share of all rows, drawn at random, that several people judge (spec.review.overlap), 0 to 1.
        people: how many that is.
        vectors: row id to its text's vector [hidden], of these rows at least, those that people have seen included;
            None: none is known.

    Returns:
        The audit slice, its dropped rows last, then the others by falling score; each row once, fewer than the budget
        only where there are not enough rows that differ. The audit slice is larger than its share where the others are
        too few. The same rows give the same selection, in whatever order they come.
    """
    candidates = {row.id: row for row in rows if row.origin in _MACHINE and row.id not in asked}
    drawn = sorted(candidates.values(), key=lambda row: _lot(row, seed))
    turns = _in_turn([row for row in dropped if row.origin in _MACHINE and row.id not in asked], seed)
    budget = max(budget, 0)
    room = round(budget * audit)
    spots = min(round(room * share), len(turns))
    audited = drawn[: room - spots]
    # What is shown anyway, for the audit, says as much about the check that dropped it.
    shown = {row.id for row in audited}
    spotted = [row for row in turns if row.id not in shown][:spots]
    shown |= {row.id for row in spotted}
    left = [row for row in drawn if row.id not in shown]
    spare, free = ([row for row in left if _reserved(row, audit, seed) is kept] for kept in (True, False))
    judged = [row.id for row in rows if row.origin not in _MACHINE or row.id in asked]
    while True:
        room = budget - len(audited) - len(spotted)
        picked = _hesitant(free, room, [*audited, *spotted], vectors, [*judged, *(row.id for row in audited)])
        if len(picked) == room or not spare:
            break
        more = room - len(picked)
        audited, spare = [*audited, *spare[:more]], spare[more:]
    chosen = [Selection(row, AUDIT, uncertainty(row)) for row in audited]
    chosen += [Selection(row, SPOT_CHECK, uncertainty(row)) for row in spotted]
    chosen += [Selection(row, "uncertain" if uncertainty(row) > 0 else "coverage", uncertainty(row)) for row in picked]
    return [replace(one, people=people) if _drawn(one.row, overlap) else one for one in chosen]


def _lot(row: Row, seed: int) -> str:
    """Its place in the order in which rows are drawn for the audit: hex digits, random, and the same in every build."""
    return digest(["audit", seed, row.id])


def _reserved(row: Row, share: float, seed: int) -> bool:
    """Whether a row is among a share of all rows that are shown for the audit or not at all.

    A row is shown once. Were one shown because the machines hesitate, and drawn for the audit by a later, larger
    budget, its answer would not count there, and of the rows drawn the hard ones would be missing.
    """
    return int(_lot(row, seed)[:8], 16) < share * 16**8


def _drawn(row: Row, share: float) -> bool:
    """Whether a row is among a share of all rows, drawn once and for all."""
    return int(digest(["overlap", row.id])[:8], 16) < share * 16**8


def uncertainty(row: Row) -> float:
    """1 - (probability of the best label - probability of the second best): 0 for a sure row, 1 for a tie.

    Or how far its judges disagree (factory.hygiene.disagreement), its teacher's answers to the same question do, or its
    answer's mark falls short of the best, whichever is most.
    """
    best = sorted(row.distribution().values(), reverse=True)[:2]
    divided = max((one.score or 0.0 for one in row.verdicts if one.check == disagreement.NAME), default=0.0)
    sure = min((one.score for one in row.verdicts if one.check in SURE and one.score is not None), default=1.0)
    return min(1.0, max(0.0, divided, 1.0 - sure, 1.0 - (best[0] - (best[1] if len(best) > 1 else 0.0))))


def entropy(row: Row) -> float:
    """Shannon entropy of the row's labels, in nats."""
    return -sum(p * math.log(p) for p in row.distribution().values() if p > 0.0)


def _in_turn(dropped: Sequence[Row], seed: int) -> list[Row]:
    """Dropped rows in a random order in which every check has its turn: each check's first, each check's second, ..."""
    checks: defaultdict[str, dict[str, Row]] = defaultdict(dict)
    for row in sorted(dropped, key=lambda row: digest(["spot check", seed, row.id, row.label])):
        if dropped_by(row) in CONTESTED:
            checks[dropped_by(row)].setdefault(row.id, row)
    places = [(place, name, row) for name, rows in checks.items() for place, row in enumerate(rows.values())]
    places.sort(key=lambda item: (item[0], CONTESTED.index(item[1])))
    return list({row.id: row for _, _, row in places}.values())


def _hesitant(
    rest: Sequence[Row],
    room: int,
    shown: Sequence[Row],
    vectors: Mapping[str, herding.Array] | None,
    judged: Sequence[str],
) -> list[Row]:
    """The rows most worth a person's time that differ from those shown anyway, by falling uncertainty.

    Args:
        rest: the candidates, in random order.
        room: rows at most.
        shown: for the audit.
        vectors: as for `select`.
        judged: ids of rows that people have judged or will for the audit.
    """
    picked = list[Row]()
    for some in ([row for row in rest if row.from_production], [row for row in rest if not row.from_production]):
        left, texts = room - len(picked), [row.text for row in (*shown, *picked)]
        if vectors is None:
            some.sort(key=lambda row: (-uncertainty(row), -entropy(row), row.id))
            picked += _spread(some, left, texts)
        else:
            known = dict.fromkeys(one for one in (*judged, *(row.id for row in picked)) if one in vectors)
            picked += _herded(some, left, texts, vectors, list(known))
    return sorted(picked, key=lambda row: (-uncertainty(row), -entropy(row), row.id))


def _herded(
    rest: list[Row], room: int, shown: list[str], vectors: Mapping[str, herding.Array], judged: Sequence[str]
) -> list[Row]:
    """The rows that tell most about all others, given those that people judge anyway, and that differ from each other.

    Of more rows than can be held against each other, those drawn first (`rest` comes in random order) stand for all.
    """
    if room <= 0 or not rest:
        return []
    judged = judged[-(herding.MOST // 2) :]
    some = rest[: herding.MOST - len(judged)]
    x = np.stack([vectors[one] for one in [*judged, *(row.id for row in some)]])
    doubts = [0.0] * len(judged) + [uncertainty(row) + _LEAST_DOUBT for row in some]
    seen, picked = _Seen(shown), list[Row]()
    for number in herding.herd(x, doubts, range(len(judged)), room):
        row = some[number - len(judged)]
        if seen.add(row.text):
            picked.append(row)
        if len(picked) == room:
            break
    return picked


def _spread(ranked: list[Row], room: int, shown: list[str]) -> list[Row]:
    """The first rows of a ranking that differ from each other; none takes more than twice its label's even share."""
    if room <= 0:
        return []
    share = max(1, math.ceil(2 * room / max(1, len({row.stratum for row in ranked}))))
    taken: Counter[str] = Counter()
    seen = _Seen(shown)
    picked: list[Row] = []
    crowded: list[Row] = []
    for row in ranked:
        if len(picked) == room:
            break
        if taken[row.stratum] >= share:
            crowded.append(row)
        elif seen.add(row.text):
            taken[row.stratum] += 1
            picked.append(row)
    for row in crowded:  # room left by labels that are short of rows
        if len(picked) == room:
            break
        if seen.add(row.text):
            picked.append(row)
    return picked


class _Seen:
    """Texts so far, to tell whether another is nearly the same: Jaccard similarity of their words of 0.8 or more."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._words: list[frozenset[str]] = []
        for text in texts:
            self.add(text)

    def add(self, text: str) -> bool:
        """Add a text unless one nearly the same is there; whether it was added."""
        words = frozenset(re.findall(r"\w+", text.casefold())) or frozenset([text])
        for other in self._words:
            smaller, larger = sorted((len(words), len(other)))
            if smaller >= _ALIKE * larger and len(words & other) >= _ALIKE * len(words | other):
                return False
        self._words.append(words)
        return True
