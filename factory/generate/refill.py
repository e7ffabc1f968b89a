"""Labels that cleaning left short are asked for again, round by round, and the teacher sees what it writes too often.

A round takes the next cells of the same plan, of the labels that lack rows; each shows the label's most typical rows
so far as what not to write. Rounds end when nothing is lacking, or when one brings less than a third of what was: the
teacher has nothing more to say. So what lacks shrinks by a third a round, and about three times the budget is asked
for at most. Everything depends on the plan and on replies that are in the cache: a killed build goes on where it was.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from factory.generate.diversity import typical
from factory.generate.strategies.cell import Cell
from factory.generate.write import asked_of
from factory.row import Row

PLATEAU = 1 / 3
AVOID = 6
LOOK_AHEAD = 50
"""Cells of one label passed over in search of another's: a strategy that can't serve a label never yields its cells."""


class Refill:
    """The rounds of one build.

    Args:
        cells: the plan.
        stream: the plan's further cells, without end.
    """

    def __init__(self, cells: Sequence[Cell], stream: Iterator[Cell]) -> None:
        self.wanted: Counter[str] = Counter()
        for cell in cells:
            self.wanted.update(cell.asks)
        self._stream = stream
        self._lacking = self.wanted.total()

    def further(self, kept: Sequence[Row]) -> list[Cell]:
        """The next round's cells; none where it is the end.

        Args:
            kept: generated rows that cleaning has left so far.
        """
        by_label: dict[str, list[str]] = {label: [] for label in self.wanted}
        for row in kept:
            by_label.setdefault(asked_of(row), []).append(row.text)
        lacking = {label: max(0, wanted - len(by_label[label])) for label, wanted in self.wanted.items()}
        brought, self._lacking = self._lacking - sum(lacking.values()), sum(lacking.values())
        if brought < PLATEAU * (brought + self._lacking):
            return []
        found = list(self._take(lacking))
        avoid = {label: tuple(typical(texts, AVOID)) for label, texts in by_label.items()}
        return [cell.model_copy(update={"avoid": avoid.get(cell.label, ())}) for cell in found]

    def _take(self, lacking: Mapping[str, int]) -> Iterator[Cell]:
        left = {label: count for label, count in lacking.items() if count > 0}
        for cell in itertools.islice(self._stream, LOOK_AHEAD * len(lacking) * (sum(left.values()) + 1)):
            if not left:
                return
            if not left.keys() & cell.asks.keys():
                continue
            yield cell
            for label, count in cell.asks.items():
                if label in left:
                    left[label] -= count
                    if left[label] <= 0:
                        del left[label]
