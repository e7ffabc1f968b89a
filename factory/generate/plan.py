"""What to ask a teacher to write: labels x attributes, covered evenly and reproducibly.

A plan is grown cell by cell, and a cell depends only on those before it: the plan of a smaller budget is the
beginning of a larger one's, so a full build reuses every reply a quick one has paid for.
"""

from __future__ import annotations

import itertools
import random
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import TypeVar

from pydantic import BaseModel, ConfigDict

from factory.files import digest
from factory.generate.seed import Passage
from factory.spec import Budget, Example, Spec

T = TypeVar("T")

PASSAGES_A_CELL = 3
EXAMPLES_A_CELL = 4


class Cell(BaseModel):
    """One request for rows.

    Attributes:
        label: what the rows must mean.
        attributes: a value for every axis of the spec.
        count: rows asked for.
        examples: few-shot texts that have the label.
        passages: ids of the real passages shown for their style.
        ordinal: how many requests for this label come before it; two cells are never the same question.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    label: str
    attributes: dict[str, str]
    count: int
    examples: tuple[str, ...] = ()
    passages: tuple[str, ...] = ()
    ordinal: int

    @property
    def id(self) -> str:
        """16 hex digits over the content."""
        return digest(self.model_dump(mode="json"))[:16]


class Share(BaseModel):
    """How much of a plan one value gets.

    Attributes:
        axis: `label`, or the name of an attribute.
        value: one of its values.
        requests: cells that have it.
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
    """The requests that a budget pays for.

    Every cell asks for `teacher.rows_per_request` rows, so a plan asks for the budget's rows or up to one request
    more. At any length, requests per label differ by at most one, and so do a label's requests per attribute value.

    Args:
        spec: the specialist.
        budget: how many rows.
        passages: real texts, from `seed_passages`; a few go with each cell, in turn.
        examples: few-shot rows; default: the spec's own.
    """
    size = spec.teacher.rows_per_request
    cells = -(-budget.generate // size)
    return list(itertools.islice(_cells(spec, passages, spec.examples if examples is None else examples), cells))


def coverage(cells: Sequence[Cell]) -> list[Share]:
    """How a plan's requests and rows spread over labels and over the values of every axis, as a table."""
    requests: Counter[tuple[str, str]] = Counter()
    rows: Counter[tuple[str, str]] = Counter()
    for cell in cells:
        for key in [("label", cell.label), *cell.attributes.items()]:
            requests[key] += 1
            rows[key] += cell.count
    total = sum(cell.count for cell in cells)
    order = {axis: place for place, axis in enumerate(dict.fromkeys(axis for axis, _ in requests))}
    return [
        Share(axis=axis, value=value, requests=count, rows=rows[axis, value], share=rows[axis, value] / total)
        for (axis, value), count in sorted(requests.items(), key=lambda item: (order[item[0][0]], item[0][1]))
    ]


def _cells(spec: Spec, passages: Sequence[Passage], examples: Sequence[Example]) -> Iterator[Cell]:
    """Cells without end: round after round, each label once a round."""
    chance = random.Random(digest(["plan", spec.name]))
    balance = _Balance(spec.attributes, chance)
    few_shot: dict[str, list[str]] = defaultdict(list)
    for example in examples:
        few_shot[example.label].append(example.text)
    labels = list(spec.labels)
    seen = 0
    for ordinal in itertools.count():
        chance.shuffle(labels)
        for label in labels:
            yield Cell(
                label=label,
                attributes=balance.next(label),
                count=spec.teacher.rows_per_request,
                examples=tuple(_turn(few_shot[label], ordinal, EXAMPLES_A_CELL)),
                passages=tuple(passage.id for passage in _turn(passages, seen, PASSAGES_A_CELL)),
                ordinal=ordinal,
            )
            seen += 1


def _turn(items: Sequence[T], turn: int, size: int) -> list[T]:
    """The next few items, going round and round."""
    size = min(size, len(items))
    return [items[(turn * size + step) % len(items)] for step in range(size)]


class _Balance:
    """Chooses attribute values so that all are used equally often: by each label, overall, and in pairs.

    Independent draws leave gaps (of eight values drawn eight times, about three never come up), and stepping through
    all axes together ties them to one another. This takes, axis by axis, a value its label has used least; of those
    one used least overall; of those the one that has met the values already chosen for this cell least often; then
    chance decides.
    """

    def __init__(self, axes: dict[str, list[str]], chance: random.Random) -> None:
        self._axes = axes
        self._chance = chance
        self._by_label: Counter[tuple[str, str, str]] = Counter()
        self._overall: Counter[tuple[str, str]] = Counter()
        self._pairs: Counter[tuple[tuple[str, str], tuple[str, str]]] = Counter()

    def next(self, label: str) -> dict[str, str]:
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
