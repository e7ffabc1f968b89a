"""Rows made from one real passage: its subject matter stays, the meaning is the label's."""

from __future__ import annotations

from collections.abc import Iterator

from factory.errors import SpecError
from factory.generate.strategies.balance import Balance, rounds, turn
from factory.generate.strategies.cell import Cell
from factory.generate.strategies.strategy import Material, Strategy


class SeedGrounded(Strategy):
    """One passage a cell, those nearest to the label's definition first."""

    name = "seed_grounded"
    template = "seed_grounded.jinja"

    def cells(self, material: Material) -> Iterator[Cell]:
        """Every label; a label's passages in turn."""
        spec = material.spec
        if not material.passages:
            raise SpecError(
                "The strategy seed_grounded rests on real text, and the spec names none.",
                where=str(spec.folder / "spec.yaml"),
                fix="Name some under `seed` or `unlabelled`, or take seed_grounded out of `strategies`.",
            )
        chance = self._chance(material)
        balance = Balance(spec.attributes, chance)
        for ordinal, label in rounds(list(spec.labels), chance):
            (passage,) = turn(material.near.get(label, material.passages), ordinal, 1)
            yield Cell(
                label=label,
                attributes=balance.next(label),
                count=spec.teacher.rows_per_request,
                passages=(passage.id,),
                ordinal=ordinal,
                strategy=self.name,
            )
