"""Rows evolved from a row that a person labelled: another voice, length or care, the same meaning.

After Evol-Instruct's single-step evolutions (Xu et al. 2023, WizardLM).
"""

from __future__ import annotations

from collections.abc import Iterator

from factory.dataset.split import group
from factory.generate.strategies.balance import Balance, rounds, turn
from factory.generate.strategies.cell import Cell
from factory.generate.strategies.few_shot import known
from factory.generate.strategies.strategy import Material, Strategy

CHANGES = (
    "somebody of another age, job and manner writes it",
    "much shorter: the fewest words that still say it",
    "longer, with a concrete detail or two of its own",
    "more formal and exact",
    "more casual, as one types in passing",
    "typed in a hurry: typos, missing capitals, missing punctuation",
    "said indirectly, without the words that give it away",
    "other names, numbers, places and dates, and another sentence structure",
)


class Rewrite(Strategy):
    """One row a cell, changed in one way."""

    name = "rewrite"
    template = "rewrite.jinja"

    def cells(self, material: Material) -> Iterator[Cell]:
        """The labels there are rows for; a label's rows and the kinds of change in turn."""
        rows = known(material, self.name)
        chance = self._chance(material)
        balance = Balance({"change": CHANGES}, chance)
        for ordinal, label in rounds(list(rows), chance):
            (row,) = turn(rows[label], ordinal, 1)
            yield Cell(
                label=label,
                attributes=balance.next(label),
                count=material.spec.teacher.rows_per_request,
                examples=(row.text,),
                sources=(group(row),),
                ordinal=ordinal,
                strategy=self.name,
            )
