"""Rows that are none of the labels: what a specialist in production is asked all the same."""

from __future__ import annotations

from collections.abc import Iterator

from factory.errors import SpecError
from factory.generate.strategies.balance import Balance, rounds, turn
from factory.generate.strategies.cell import Cell
from factory.generate.strategies.strategy import CONTRASTS, Material, Strategy

KINDS = (
    "about a neighbouring matter that none of the meanings covers, in the same words and tone",
    "about something else altogether, from the same kind of writer",
    "too vague or too short to tell what is meant",
    "a remark, a greeting or a complaint without any of the meanings",
    "about several things at once, none of which is one of the meanings",
)


class OutOfScope(Strategy):
    """Near misses of a few labels at a time, in several kinds."""

    name = "out_of_scope"
    template = "out_of_scope.jinja"

    def cells(self, material: Material) -> Iterator[Cell]:
        """Cells for the spec's out-of-scope label; each is told to stay clear of a label and its neighbours."""
        spec = material.spec
        label = spec.out_of_scope
        if label is None:
            raise SpecError(
                "The strategy out_of_scope writes rows that are none of the labels, but no label is declared for them.",
                where=str(spec.folder / "spec.yaml"),
                fix="Name that label by the key `out_of_scope`, or take the strategy out of `strategies`.",
            )
        chance = self._chance(material)
        balance = Balance({"change": KINDS, **spec.attributes}, chance)
        others = [other for other in spec.labels if other != label]
        for ordinal, (_, against) in enumerate(rounds(others, chance)):
            yield Cell(
                label=label,
                attributes={"near": against, **balance.next(label)},
                count=spec.teacher.rows_per_request,
                passages=tuple(passage.id for passage in turn(material.passages, ordinal, 3)),
                ordinal=ordinal,
                strategy=self.name,
            )

    def _values(self, cell: Cell, material: Material) -> dict[str, object]:
        spec, near = material.spec, cell.attributes["near"]
        names = [near, *material.neighbours.get(near, ())]
        contrasts = [name for name in names if name != cell.label][: CONTRASTS + 1]
        attributes = {axis: value for axis, value in cell.attributes.items() if axis in spec.attributes}
        return {
            **super()._values(cell, material),
            "contrasts": [{"label": name, "definition": spec.labels[name]} for name in contrasts],
            "attributes": attributes,
            "change": cell.attributes["change"],
        }
