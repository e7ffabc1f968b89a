"""Texts that a teacher writes together with their answers; nothing but the spec's attributes parts the cells."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from typing import Any

from factory.generate.strategies.cell import Cell
from factory.generate.strategies.holding import HoldingFewShot
from factory.generate.strategies.strategy import Draft, Material, Strategy
from factory.generate.strategies.together import Together
from factory.row import Row
from factory.spec import Spec
from factory.spec_declared import Example
from factory.strata import ANSWER
from factory.wording import settle


class Answered(Together):
    """Texts by the spec's attributes, with answers."""

    name = "answered"
    beside = "answer"
    article = "an"

    def attributes(self, cell: Cell) -> dict[str, str]:
        """See Strategy.attributes: there is no axis besides."""
        return Strategy.attributes(self, cell)

    def _draft(self, cell: Cell, text: str, said: Any) -> Draft | None:
        answer = settle(said) if isinstance(said, str) else ""
        return Draft(text, cell.label, answer=answer) if answer else None

    def _example(self, example: Example) -> str:
        return self._shown(example.text, settle(example.answer or ""))

    def _row(self, row: Row, spec: Spec) -> str:
        return self._shown(row.text, row.answer)

    def _asked(self, spec: Spec, chance: random.Random) -> Iterator[tuple[int, str]]:
        return ((ordinal, ANSWER) for ordinal in itertools.count())

    def _values(self, cell: Cell, material: Material) -> dict[str, Any]:
        values = super()._values(cell, material)
        del values["wanted"], values["absent"]
        return {**values, "definition": material.spec.labels[cell.label]}

    def _decision_schema(self, cell: Cell, material: Material) -> dict[str, Any]:
        return {"type": "string"}


class AnsweredFewShot(Answered, HoldingFewShot):
    """The same after rows that people answered, which are shown with their answers."""

    name = "answered_few_shot"
