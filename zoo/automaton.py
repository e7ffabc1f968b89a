"""Regular grammars over bytes, and the deterministic automaton of one: which byte may come next, and where it leads.

A grammar is built of the functions here: `words`, `byte`, `seq`, `either`, `repeat`. The automaton is made by the
subset construction (Rabin, Scott 1959).
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DEAD = -1


@dataclass
class NFA:
    """A non-deterministic automaton in the making: edges by state, those that cost a byte and those that cost none."""

    edges: list[list[tuple[int, int, int]]] = field(default_factory=list)
    free: list[list[int]] = field(default_factory=list)
    parts: list[int] = field(default_factory=list)
    part: int = 0

    def state(self) -> int:
        """A new state, which belongs to the current part."""
        self.edges.append([])
        self.free.append([])
        self.parts.append(self.part)
        return len(self.edges) - 1


Grammar = Callable[[NFA, int], int]
"""Adds itself to an automaton after a state, and gives the state it ends in."""


def byte(first: int, last: int | None = None) -> Grammar:
    """One byte from first to last, both included."""

    def add(nfa: NFA, start: int) -> int:
        end = nfa.state()
        nfa.edges[start].append((first, first if last is None else last, end))
        return end

    return add


def seq(*grammars: Grammar) -> Grammar:
    """One after the other."""

    def add(nfa: NFA, start: int) -> int:
        for one in grammars:
            start = one(nfa, start)
        return start

    return add


def words(said: str) -> Grammar:
    """These words, in UTF-8."""
    return seq(*map(byte, said.encode()))


def either(*grammars: Grammar) -> Grammar:
    """One of them."""

    def add(nfa: NFA, start: int) -> int:
        end = nfa.state()
        for one in grammars:
            branch = nfa.state()
            nfa.free[start].append(branch)
            nfa.free[one(nfa, branch)].append(end)
        return end

    return add


def repeat(grammar: Grammar, least: int = 0, most: int | None = None) -> Grammar:
    """A grammar `least` to `most` times; None: without end."""
    if most is not None:
        return seq(*[grammar] * least, *[either(grammar, seq())] * (most - least))

    def loop(nfa: NFA, start: int) -> int:
        again = nfa.state()
        nfa.free[start].append(again)
        nfa.free[grammar(nfa, again)].append(again)
        return again

    return seq(*[grammar] * least, loop)


@dataclass(frozen=True)
class Automaton:
    """A deterministic automaton; its first state is 0, and from each of its states an end can be reached.

    Attributes:
        table: the state that a byte leads to, or DEAD: int32 [states, 256].
        ends: whether what was read may stop here, and nothing may follow: bool [states].
        parts: the part of the grammar that a state belongs to, [states].
        left: how much there is still to choose on the way to an end where least is: int64 [states].
    """

    table: NDArray[np.int32]
    ends: NDArray[np.bool_]
    parts: Sequence[int]
    left: NDArray[np.int64]

    def chain(self, state: int) -> bytes:
        """The bytes that must follow a state, up to where there is a choice or an end."""
        found = bytearray()
        while not self.ends[state]:
            (ways,) = (self.table[state] != DEAD).nonzero()
            if len(ways) != 1:
                break
            found.append(int(ways[0]))
            state = int(self.table[state, ways[0]])
        return bytes(found)

    def after(self, state: int, said: bytes) -> int:
        """The state that bytes lead to, or DEAD."""
        for one in said:
            if state == DEAD:
                break
            state = int(self.table[state, one])
        return state


def automaton(grammars: Sequence[Grammar]) -> Automaton:
    """The automaton of grammars one after the other, each of them a part."""
    import numpy as np

    nfa = NFA()
    first = last = nfa.state()
    for nfa.part, grammar in enumerate(grammars):
        last = grammar(nfa, last)

    def closed(states: set[int]) -> frozenset[int]:
        """With all that can be reached for free."""
        waiting = list(states)
        while waiting:
            for other in nfa.free[waiting.pop()]:
                if other not in states:
                    states.add(other)
                    waiting.append(other)
        return frozenset(states)

    begin = closed({first})
    numbers = {begin: 0}
    order, rows = [begin], []
    for states in order:  # grows meanwhile
        edges = [edge for one in states for edge in nfa.edges[one]]
        row = np.full(256, DEAD, np.int32)
        cuts = sorted({start for start, _, _ in edges} | {stop + 1 for _, stop, _ in edges})
        for start, stop in itertools.pairwise(cuts):
            reached = {to for low, high, to in edges if low <= start <= high}
            if reached:
                found = closed(reached)
                if found not in numbers:
                    numbers[found] = len(order)
                    order.append(found)
                row[start:stop] = numbers[found]
        rows.append(row)
    table = np.stack(rows)
    ends = np.array([last in states for states in order])
    parts = [min(nfa.parts[one] for one in states) for states in order]
    return Automaton(table, ends, parts, _left(table, ends))


def _left(table: NDArray[np.int32], ends: NDArray[np.bool_]) -> NDArray[np.int64]:
    """The least sum, over the states on a way to an end, of how many bytes each could be followed by (Dijkstra)."""
    import numpy as np

    choices = (table != DEAD).sum(axis=1)
    before: list[set[int]] = [set() for _ in table]
    for state, row in enumerate(table):
        for other in set(row.tolist()) - {DEAD}:
            before[other].add(state)
    left = np.full(len(table), np.iinfo(np.int64).max)
    waiting = [(0, int(state)) for state in ends.nonzero()[0]]
    while waiting:
        sum_, state = heapq.heappop(waiting)
        if sum_ < left[state]:
            left[state] = sum_
            for other in before[state]:
                heapq.heappush(waiting, (sum_ + int(choices[other]), other))
    return left
