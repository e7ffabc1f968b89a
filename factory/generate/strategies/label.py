"""Rows for a label, from its definition; a few real passages show how such texts sound."""

from __future__ import annotations

import random
from collections.abc import Iterator

from factory.files import digest
from factory.generate.strategies.balance import Balance, rounds, turn
from factory.generate.strategies.cell import Cell
from factory.generate.strategies.strategy import Material, Strategy

PASSAGES_A_CELL = 3
EXAMPLES_A_CELL = 4


class Label(Strategy):
    """Label-conditioned writing: every label once a round, attributes evenly."""

    name = "label"
    template = "generate.jinja"

    def cells(self, material: Material) -> Iterator[Cell]:
        """Every label; as many shown passages and examples as there are, in turn."""
        spec = material.spec
        chance = random.Random(digest(["plan", spec.name]))
        balance = Balance(spec.attributes, chance)
        for seen, (ordinal, label) in enumerate(rounds(list(spec.labels), chance)):
            yield Cell(
                label=label,
                attributes=balance.next(label),
                count=spec.teacher.rows_per_request,
                examples=tuple(turn(material.shown[label], ordinal, EXAMPLES_A_CELL)),
                passages=tuple(passage.id for passage in turn(material.passages, seen, PASSAGES_A_CELL)),
                ordinal=ordinal,
            )
