"""Which rows stay: each in turn, best-founded first, unless one that stays is like it.

Works on sketches (`factory.hygiene.sketch`), so that a million rows fit; the shingles of candidates are asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from factory.hygiene.shingling import Array
from factory.hygiene.sketch import Sketch
from factory.progress import Progress, silent

KEPT, EXACT, NEAR = range(3)
_CHUNK = 4096  # rows whose groups are Python's integers at once


@dataclass(frozen=True)
class Decisions:
    """What becomes of each row, in the rows' order.

    Attributes:
        kinds: uint8, KEPT, EXACT or NEAR.
        scores: float64, similarity to the kept row that is most like it.
        ids: uint64, that row's id.
        origins: uint8, its place in PREFERENCE.
    """

    kinds: Array
    scores: Array
    ids: Array
    origins: Array


def decide(
    known: Sketch,
    threshold: float,
    shingles: Callable[[int], list[int]],
    content: Callable[[int], str],
    progress: Progress = silent,
) -> Decisions:
    """Decide about rows.

    Args:
        known: the rows; its `bands` are used up.
        threshold: Jaccard similarity from which two rows are one.
        shingles: those of a row, by its number.
        content: all of a row, by its number: tells apart rows of one text, label and origin.
        progress: called with rows done.
    """
    order = _order(known, content)
    groups = _Groups(known.bands, order)
    close = _Close(known, shingles, threshold)
    first = _first(known.folded[order])
    places = order.tolist()
    kinds = np.zeros(len(known), dtype=np.uint8)
    scores = np.zeros(len(known))
    like = np.arange(len(known))
    alone = ~groups.shared & (first == np.arange(len(known)))
    todo = np.flatnonzero(~alone)
    # `here`, `there` count rows in the order in which they are visited.
    for start in range(0, len(todo), _CHUNK):
        progress(start, len(todo))
        part = todo[start : start + _CHUNK]
        for here, twin, mine in zip(part.tolist(), first[part].tolist(), groups.of(part), strict=True):
            if twin != here and kinds[twin] == KEPT:
                kinds[here], scores[here], like[here] = EXACT, 1.0, twin
                continue
            if found := groups.kept(mine):
                best, there = close.to(places[here], [(there, places[there]) for there in found])
                if best:
                    kinds[here], scores[here], like[here] = NEAR, best, there
                    continue
            groups.keep(here, mine)
    progress(len(todo), len(todo))
    back = np.empty(len(order), dtype=np.int64)
    back[order] = np.arange(len(order))
    original = order[like][back]
    return Decisions(kinds[back], scores[back], known.ids[original], known.origins[original])


class _Close:
    """Which rows are one with a row.

    Most candidates are not, and their bits show it: each bit that one row has and the other lacks stands for a shingle,
    or more, that they do not share. Only the others' shingles are read.

    Args:
        known: the rows.
        shingles: those of a row, by its number.
        threshold: Jaccard similarity from which two rows are one.
    """

    def __init__(self, known: Sketch, shingles: Callable[[int], list[int]], threshold: float) -> None:
        self._sizes, self._bits, self._width = _fast(known.sizes), known.bits.tobytes(), known.bits.shape[1]
        self._shingles, self._threshold = shingles, threshold

    def to(self, number: int, others: list[tuple[int, int]]) -> tuple[float, int]:
        """The highest similarity from the threshold up, and which of `others`, (turn, number) each, has it.

        The first of equals; (0, 0) where none is so similar.
        """
        sizes, shingles, threshold = self._sizes, self._shingles, self._threshold
        size, bits = sizes[number], self._of(number)
        lit, own = bits.bit_count(), set[int]()
        best, which = 0.0, 0
        for turn, other in sorted(others):
            theirs, their_bits = sizes[other], self._of(other)
            both = (bits & their_bits).bit_count()
            most = min(size - lit + both, theirs - their_bits.bit_count() + both)  # shingles they can share
            bound = most / (size + theirs - most)  # division rounds it as it rounds a similarity: none is missed
            if bound < threshold or bound <= best:
                continue
            own = own or set(shingles(number))
            common = len(own.intersection(shingles(other)))
            similarity = common / (size + theirs - common)
            if similarity >= threshold and similarity > best:
                best, which = similarity, turn
        return best, which

    def _of(self, number: int) -> int:
        return int.from_bytes(self._bits[number * self._width : (number + 1) * self._width], "little")


def _order(known: Sketch, content: Callable[[int], str]) -> Array:
    """Rows' numbers by origin, id, label and content."""
    order = np.lexsort((known.labels, known.ids, known.origins))
    same = np.ones(max(len(order) - 1, 0), dtype=bool)
    for column in (known.origins, known.ids, known.labels):
        sorted_column = column[order]
        same &= sorted_column[1:] == sorted_column[:-1]
    edges = np.diff(np.concatenate([[False], same, [False]]).astype(np.int8))
    for start, end in zip(np.flatnonzero(edges == 1), np.flatnonzero(edges == -1) + 1, strict=True):
        order[start:end] = sorted(order[start:end].tolist(), key=content)
    return order


def _first(values: Array) -> Array:
    """For each value, the place where it is first."""
    _, first, which = np.unique(values, return_index=True, return_inverse=True)
    return first[which]  # type: ignore[no-any-return]


class _Groups:
    """Rows that are alike in a band, and which of them are kept so far.

    A group is a band's value that two rows or more have; numbers begin at 1. Its kept rows lie from `starts` on in
    `members`, which has room for all.
    """

    def __init__(self, bands: Array, order: Array) -> None:
        total, starts = 0, [np.zeros(1, dtype=np.int64)]
        slots = 0
        for band in bands:
            values = band[order]
            by_value = np.argsort(values, kind="stable")
            values = values[by_value]
            new = np.ones(len(values), dtype=bool)
            new[1:] = values[1:] != values[:-1]
            group = np.cumsum(new) - 1
            sizes = np.bincount(group)
            many = sizes > 1
            numbers = np.where(many, np.cumsum(many) + total, 0)
            band[by_value] = numbers[group]
            total += int(many.sum())
            starts.append(slots + np.cumsum(sizes[many]) - sizes[many])
            slots += int(sizes[many].sum())
        self.bands = bands  # uint32, bands x rows in the order visited: the row's group, 0 for none
        self.shared = bands.any(axis=0)
        self.starts = _fast(np.concatenate(starts))
        self.counts = _fast(np.zeros(total + 1, dtype=np.int32))
        self.members = _fast(np.zeros(slots, dtype=np.int32))

    def of(self, rows: Array) -> list[list[int]]:
        """The groups of some rows."""
        return [[group for group in line if group] for line in self.bands[:, rows].T.tolist()]

    def kept(self, groups: list[int]) -> set[int]:
        """The kept rows of some groups."""
        starts, counts, members = self.starts, self.counts, self.members
        found: set[int] = set()
        for group in groups:
            if count := counts[group]:
                start = starts[group]
                found.update(members[start : start + count])
        return found

    def keep(self, row: int, groups: list[int]) -> None:
        """Keep a row."""
        starts, counts, members = self.starts, self.counts, self.members
        for group in groups:
            members[starts[group] + counts[group]] = row
            counts[group] += 1


def _fast(values: Array) -> Any:
    """The array as something whose single values are quick to read: a third of NumPy's own time."""
    return memoryview(values)  # type: ignore[arg-type]
