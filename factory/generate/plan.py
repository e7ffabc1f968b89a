"""What to ask a teacher to write: cells of every strategy, by its share, covered evenly and reproducibly.

A plan is grown cell by cell, and a cell depends only on those before it: the plan of a smaller budget is the
beginning of a larger one's, so a full build reuses every reply a quick one has paid for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence

from pydantic import BaseModel, ConfigDict

from factory.budget import Budget
from factory.generate.seed import Passage
from factory.generate.strategies import STRATEGIES, Material
from factory.generate.strategies.cell import Cell as Cell
from factory.spec import Spec
from factory.spec_declared import Example


class Share(BaseModel):
    """How much of a plan one value gets.

    Attributes:
        axis: `label` (`types` where spans are asked for), `strategy` where there are several, or an attribute's name.
        value: one of its values.
        requests: cells that have it and that a teacher is asked for.
        rows: rows they ask for.
        share: of all rows, 0 to 1.
    """

    model_config = ConfigDict(frozen=True)

    axis: str
    value: str
    requests: int
    rows: int
    share: float


def plan(
    spec: Spec, budget: Budget, passages: Sequence[Passage] = (), examples: Sequence[Example] | None = None
) -> list[Cell]:
    """The requests that a budget pays for, where strategies rest on nothing but the spec and its passages."""
    return grow(Material(spec, passages, examples), budget.generate)


def grow(material: Material, rows: int) -> list[Cell]:
    """The first cells that ask for so many rows, or for up to one request more.

    At any length no strategy is a whole request ahead of its share; within a strategy requests per label differ by
    at most one, and so do a label's requests per attribute value. (Of spans: strategies.marked.asked.)

    Raises:
        SpecError: a strategy lacks what it rests on.
    """
    found: list[Cell] = []
    asked = 0
    stream = cells(material)
    while asked < rows:
        found.append(next(stream))
        asked += found[-1].count
    return found


def cells(material: Material) -> Iterator[Cell]:
    """Cells without end, each of the strategy that is furthest behind its share.

    Each asks for what all strategies together have asked for least: together they come round to every label as soon as
    one of them would alone.
    """
    shares = dict(sorted(material.spec.strategies.items()))
    rounds = {name: _Rounds(STRATEGIES[name].cells(material)) for name in shares}
    taken = dict.fromkeys(shares, 0)
    asked: Counter[str] = Counter()
    while True:
        whole = sum(taken.values()) + 1
        name = max(shares, key=lambda name: shares[name] * whole - taken[name])
        cell = rounds[name].take(asked)
        taken[name] += 1
        asked.update(cell.asks)
        yield cell


class _Rounds:
    """A strategy's cells, round by round, a round's in any order."""

    def __init__(self, stream: Iterator[Cell]) -> None:
        self._stream = stream
        self._next = next(stream)
        self._left: list[Cell] = []

    def take(self, asked: Mapping[str, int]) -> Cell:
        """The round's cell whose labels were asked for least; of several the one that the strategy has first."""
        if not self._left:
            self._left.append(self._next)
            while (cell := next(self._stream)).ordinal == self._left[0].ordinal:
                self._left.append(cell)
            self._next = cell
        return self._left.pop(self._left.index(min(self._left, key=lambda cell: _mean(asked, cell.asks))))


def _mean(asked: Mapping[str, int], labels: Collection[str]) -> float:
    return sum(asked[label] for label in labels) / len(labels)


def requests(cells: Sequence[Cell]) -> int:
    """How many of these a teacher is asked for."""
    return sum(STRATEGIES[cell.strategy].asks for cell in cells)


def coverage(cells: Sequence[Cell]) -> list[Share]:
    """How a plan's requests and rows spread over labels and over the values of every axis, as a table."""
    asked: Counter[tuple[str, str]] = Counter()
    rows: Counter[tuple[str, str]] = Counter()
    several = len({cell.strategy for cell in cells}) > 1
    for cell in cells:
        found = [(STRATEGIES[cell.strategy].axis_of(cell), label, count) for label, count in cell.asks.items()]
        found += [("strategy", cell.strategy, cell.count)] if several else []
        # Which fields people told of a row is none of the plan's doing.
        found += [(axis, value, cell.count) for axis, value in cell.attributes.items() if axis != "told"]
        for axis, value, count in found:
            asked[axis, value] += requests([cell])
            rows[axis, value] += count
    total = sum(cell.count for cell in cells)
    order = {axis: place for place, axis in enumerate(dict.fromkeys(axis for axis, _ in asked))}
    return [
        Share(axis=axis, value=value, requests=count, rows=rows[axis, value], share=rows[axis, value] / total)
        for (axis, value), count in sorted(asked.items(), key=lambda item: (order[item[0][0]], item[0][1]))
    ]
