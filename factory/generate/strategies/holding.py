"""Texts asked for by what they hold, types of spans or fields of a record: each, pairs of them, and nothing at all."""

from __future__ import annotations

import itertools
import random
from abc import abstractmethod
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from factory.dataset.split import group
from factory.errors import SpecError
from factory.generate.examples import given
from factory.generate.strategies.balance import Balance, turn
from factory.generate.strategies.cell import Cell
from factory.generate.strategies.few_shot import SHOTS
from factory.generate.strategies.label import EXAMPLES_A_CELL, PASSAGES_A_CELL
from factory.generate.strategies.strategy import Material, Strategy
from factory.row import Lineage, Row
from factory.spec import Spec
from factory.spec_declared import Example
from factory.strata import JOIN, NONE, names_in


class Holding(Strategy):
    """Every name, every pair of names and none, evenly; a few real passages and the spec's examples are shown."""

    template = "generate.jinja"

    def cells(self, material: Material) -> Iterator[Cell]:
        """As `asked` orders them; attributes evenly by what is asked for; shown texts in turn."""
        spec = material.spec
        chance = self._chance(material)
        balance = Balance(spec.attributes, chance)
        shown = [self._example(one) for one in (spec.examples if material.examples is None else material.examples)]
        for seen, (ordinal, names) in enumerate(self._asked(spec, chance)):
            yield Cell(
                label=names,
                attributes=balance.next(names),
                count=spec.teacher.rows_per_request,
                examples=tuple(turn(shown, seen, EXAMPLES_A_CELL)),
                passages=tuple(passage.id for passage in turn(material.passages, seen, PASSAGES_A_CELL)),
                ordinal=ordinal,
                strategy=self.name,
            )

    def attributes(self, cell: Cell) -> dict[str, str]:
        """Also what was asked for."""
        return {**super().attributes(cell), self.axis: cell.label}

    @abstractmethod
    def _example(self, example: Example) -> str:
        """One of the spec's examples as a teacher is shown it."""

    @abstractmethod
    def _row(self, row: Row, spec: Spec) -> str:
        """A row with its decision as a teacher is shown it; empty where it can't be."""

    def _asked(self, spec: Spec, chance: random.Random) -> Iterator[tuple[int, str]]:
        return asked(list(spec.labels), chance)

    def _names(self, spec: Spec) -> list[dict[str, str]]:
        """What a template is told of each name."""
        return [{"label": label, "definition": definition} for label, definition in spec.labels.items()]

    def _values(self, cell: Cell, material: Material) -> dict[str, Any]:
        wanted, told = names_in(cell.label), self._names(material.spec)
        return {
            "label": cell.label,
            "wanted": [one for one in told if one["label"] in wanted],
            "absent": [one for one in told if one["label"] not in wanted],
            "attributes": cell.attributes,
            "examples": cell.examples,
            "passages": [material.texts[name] for name in cell.passages],
            "avoid": cell.avoid,
            "count": cell.count,
        }


class HoldingFewShot(Holding):
    """The same after rows that people decided, which are shown with their decisions."""

    def cells(self, material: Material) -> Iterator[Cell]:
        """As `asked` orders them; rows that hold the same are shown, in turn, where there are any."""
        spec = material.spec
        known = material.taught or given(spec, Lineage(spec=spec.identity, source="spec.yaml"))
        known = [row for row in known if self._row(row, spec)]
        if not known:
            raise SpecError(
                f"The strategy {self.name} rests on rows that people decided, and there are none that it could show.",
                where=str(spec.folder / "spec.yaml"),
                fix=f"Give some under `examples`, have rows reviewed first, or take {self.name} out of `strategies`.",
            )
        chance = self._chance(material)
        balance = Balance(spec.attributes, chance)
        rows: dict[str, list[Row]] = {}
        for row in known:
            rows.setdefault(row.stratum, []).append(row)
        for ordinal, names in self._asked(spec, chance):
            shown = self._chosen(rows.get(names, ()), known, ordinal)
            yield Cell(
                label=names,
                attributes=balance.next(names),
                count=spec.teacher.rows_per_request,
                examples=tuple(self._row(row, spec) for row in shown),
                sources=tuple(dict.fromkeys(group(row) for row in shown)),
                ordinal=ordinal,
                strategy=self.name,
            )

    def _chosen(self, same: Sequence[Row], known: Sequence[Row], number: int) -> Sequence[Row]:
        """The next few of those that hold the same, or of all."""
        return turn(same or known, number, SHOTS)


def asked(names: Sequence[str], chance: random.Random) -> Iterator[tuple[int, str]]:
    """What texts are to hold, without end, with how many requests for the same come before.

    A round has each name once, as many pairs as there are names (all, up to three names; else the next in turn), and
    one request for none for every four names, at least one: negatives are a quarter where there are two names.
    """
    pairs = [JOIN.join(pair) for pair in itertools.combinations(names, 2)]
    chance.shuffle(pairs)
    before: Counter[str] = Counter()
    for number in itertools.count():
        drawn = [*names, *turn(pairs, number, len(names)), *[NONE] * max(1, len(names) // 4)]
        chance.shuffle(drawn)
        for held in drawn:
            yield before[held], held
            before[held] += 1
