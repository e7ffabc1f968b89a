"""Rows written after rows that people labelled."""

from __future__ import annotations

from collections.abc import Iterator

from factory.dataset.split import group
from factory.errors import SpecError
from factory.generate.strategies.balance import Balance, rounds, turn
from factory.generate.strategies.cell import Cell
from factory.generate.strategies.strategy import Material, Strategy
from factory.row import Row

SHOTS = 4


class FewShot(Strategy):
    """Shows a few rows of the label that people have labelled; a label nobody has used gets no cells."""

    name = "few_shot"
    template = "few_shot.jinja"

    def cells(self, material: Material) -> Iterator[Cell]:
        """The labels there are rows for; a label's rows in turn."""
        rows = known(material, self.name)
        chance = self._chance(material)
        balance = Balance(material.spec.attributes, chance)
        for ordinal, label in rounds(list(rows), chance):
            shown = turn(rows[label], ordinal, SHOTS)
            yield Cell(
                label=label,
                attributes=balance.next(label),
                count=material.spec.teacher.rows_per_request,
                examples=tuple(row.text for row in shown),
                sources=tuple(dict.fromkeys(group(row) for row in shown)),
                ordinal=ordinal,
                strategy=self.name,
            )


def known(material: Material, strategy: str) -> dict[str, list[Row]]:
    """Rows that people labelled, by label; raises SpecError where there are none at all."""
    if not material.known_by_label:
        raise SpecError(
            f"The strategy {strategy} rests on rows that people labelled, and there are none that are trained on.",
            where=str(material.spec.folder / "spec.yaml"),
            fix=f"Give some under `examples`, have rows reviewed first, or take {strategy} out of `strategies`.",
        )
    return material.known_by_label
