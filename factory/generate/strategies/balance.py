"""Labels, attribute values and shown texts, each in turn."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeVar

T = TypeVar("T")


def rounds(items: Sequence[T], chance: random.Random) -> Iterator[tuple[int, T]]:
    """Items without end, with the round's number: each once a round, in an order drawn anew every time."""
    drawn = list(items)
    for number in itertools.count():
        chance.shuffle(drawn)
        for item in drawn:
            yield number, item


def turn(items: Sequence[T], number: int, size: int) -> list[T]:
    """The next few items, going round and round."""
    size = min(size, len(items))
    return [items[(number * size + step) % len(items)] for step in range(size)]


class Balance:
    """Chooses attribute values so that all are used equally often: by each label, overall, and in pairs.

    Independent draws leave gaps (of eight values drawn eight times, about three never come up), and stepping through
    all axes together ties them to one another. This takes, axis by axis, a value its label has used least; of those
    one used least overall; of those the one that has met the values already chosen for this cell least often; then
    chance decides.
    """

    def __init__(self, axes: Mapping[str, Sequence[str]], chance: random.Random) -> None:
        self._axes = axes
        self._chance = chance
        self._by_label: Counter[tuple[str, str, str]] = Counter()
        self._overall: Counter[tuple[str, str]] = Counter()
        self._pairs: Counter[tuple[tuple[str, str], tuple[str, str]]] = Counter()

    def next(self, label: str) -> dict[str, str]:
        """A value for every axis."""
        chosen: dict[str, str] = {}
        for axis, values in self._axes.items():
            costs = {value: self._cost(label, axis, value, chosen) for value in values}
            least = min(costs.values())
            value = self._chance.choice([value for value in values if costs[value] == least])
            self._by_label[label, axis, value] += 1
            self._overall[axis, value] += 1
            for pair in chosen.items():
                self._pairs[pair, (axis, value)] += 1
            chosen[axis] = value
        return chosen

    def _cost(self, label: str, axis: str, value: str, chosen: dict[str, str]) -> tuple[int, int, int]:
        met = sum(self._pairs[pair, (axis, value)] for pair in chosen.items())
        return self._by_label[label, axis, value], self._overall[axis, value], met
