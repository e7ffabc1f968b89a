"""Figures of spans, from people's and somebody's: entities, micro-averaged, as seqeval and CoNLL-2003 count them.

Strict: a span is right if its type and both ends are. Relaxed: if it overlaps a span of its type that no other span has
been matched with. No usable answer finds nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from factory.evidence.metrics import Floats
from factory.span import Span, Spans

Answer = Spans | None


class Counts(NamedTuple):
    """How many spans are right, how many were claimed, and how many there are: numbers, or arrays of them."""

    right: Floats
    claimed: Floats
    there: Floats

    def f1(self) -> Floats:
        """Harmonic mean of precision and recall; 0 where nothing was claimed and nothing is there, as all others."""
        return _share(2.0 * self.right, self.claimed + self.there)

    def precision(self) -> Floats:
        """Share of the claimed spans that are right."""
        return _share(self.right, self.claimed)

    def recall(self) -> Floats:
        """Share of the spans there are that were found."""
        return _share(self.right, self.there)


@dataclass(frozen=True)
class OfType:
    """One type's figures, and what became of its spans.

    Attributes:
        label: the type.
        strict, relaxed: counts, over all rows.
        boundaries: spans of people for which one of this type was claimed that only overlaps.
        type: for which one of another type was claimed, with the same ends or overlapping.
        missed: for which nothing was claimed.
        invented: claimed spans of this type that overlap none of people's.
    """

    label: str
    strict: Counts
    relaxed: Counts
    boundaries: int
    type: int
    missed: int
    invented: int


def by_row(
    gold: Sequence[Spans], predicted: Sequence[Answer], *, relaxed: bool = False, label: str | None = None
) -> Counts:
    """Counts of every row, arrays [rows]; of one type alone where `label` says it."""
    if not gold:
        raise ValueError("no rows to measure on")
    values = np.zeros((len(gold), 3))
    for place, (people, somebody) in enumerate(zip(gold, predicted, strict=True)):
        there = [one for one in people if label in (None, one.label)]
        claimed = [one for one in somebody or () if label in (None, one.label)]
        right = _matched(there, claimed) if relaxed else len(set(there) & set(claimed))
        values[place] = right, len(claimed), len(there)
    return Counts(*values.T)


def total(counts: Counts) -> Counts:
    """The counts of all rows together."""
    return Counts(*(part.sum() for part in counts))


def by_type(gold: Sequence[Spans], predicted: Sequence[Answer]) -> list[OfType]:
    """Figures of every type that people or somebody marked, by name."""
    labels = sorted({one.label for some in (*gold, *predicted) for one in some or ()})
    return [_of_type(gold, predicted, label) for label in labels]


def rights(gold: Sequence[Spans], predicted: Sequence[Answer]) -> list[bool]:
    """Whether each claimed span is right, row by row, in order."""
    return [one in people for people, somebody in zip(gold, predicted, strict=True) for one in somebody or ()]


def _of_type(gold: Sequence[Spans], predicted: Sequence[Answer], label: str) -> OfType:
    boundaries = other = missed = invented = 0
    for people, somebody in zip(gold, predicted, strict=True):
        claimed = somebody or ()
        for one in people:
            if one.label != label or one in claimed:
                continue
            touching = {another.label for another in claimed if _touch(one, another)}
            boundaries += label in touching
            other += bool(touching) and label not in touching
            missed += not touching
        invented += sum(one.label == label and not any(_touch(one, another) for another in people) for one in claimed)
    strict, relaxed = (total(by_row(gold, predicted, relaxed=how, label=label)) for how in (False, True))
    return OfType(label, strict, relaxed, boundaries, other, missed, invented)


def _matched(there: Sequence[Span], claimed: Sequence[Span]) -> int:
    """How many pairs of overlapping spans of one type there can be, each span in one pair at most."""
    count = 0
    for label in {one.label for one in there} & {one.label for one in claimed}:
        people, somebody = (
            sorted((one for one in some if one.label == label), key=lambda one: one.start) for some in (there, claimed)
        )
        a = b = 0
        while a < len(people) and b < len(somebody):  # neither side's spans overlap, so the first that meet are a pair
            met = _touch(people[a], somebody[b])
            count += met
            first = people[a].end <= somebody[b].end
            a += met or first
            b += met or not first
    return count


def _touch(one: Span, other: Span) -> bool:
    return one.start < other.end and other.start < one.end


def _share(part: Floats, whole: Floats) -> Floats:
    result: Floats = np.asarray(part) / np.maximum(np.asarray(whole), 1.0)
    return result
