"""Minimal pairs for labels that are mistaken for each other: nearly one text, two meanings.

After contrast sets and counterfactual augmentation (Gardner et al. 2020; Kaushik et al. 2020).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from factory.errors import SpecError
from factory.generate.replies import parse_rows
from factory.generate.strategies.balance import Balance, rounds
from factory.generate.strategies.cell import Cell
from factory.generate.strategies.strategy import Draft, Material, Strategy

SIDES = ("first", "second")


class Contrastive(Strategy):
    """Every pair once a round: those a student has confused, or else each label and its nearest neighbour."""

    name = "contrastive"
    template = "contrastive.jinja"

    def cells(self, material: Material) -> Iterator[Cell]:
        """The pairs; attributes evenly by pair."""
        spec = material.spec
        chance = self._chance(material)
        balance = Balance(spec.attributes, chance)
        for ordinal, (label, other) in rounds(pairs(material), chance):
            yield Cell(
                label=label,
                attributes=balance.next(f"{label} | {other}"),
                count=2 * max(1, spec.teacher.rows_per_request // 2),
                ordinal=ordinal,
                strategy=self.name,
                against=other,
            )

    def read(self, cell: Cell, reply: str) -> tuple[list[Draft], str]:
        """Both members of every complete pair; half a pair is no pair."""
        found, failure = _objects(reply)
        drafts: list[Draft] = []
        broken = 0
        for one in found:
            members = [{"text": one.get(side)} for side in SIDES]
            texts, _ = parse_rows(json.dumps({"rows": members}))
            if len(texts) == 2 and texts[0].casefold() != texts[1].casefold():
                drafts += [Draft(texts[0], cell.label), Draft(texts[1], cell.against)]
            else:
                broken += 1
        if broken:
            failure = failure or f"{broken} pairs without two usable, different texts"
        return drafts, failure

    def _schema(self, cell: Cell, material: Material) -> dict[str, Any]:
        texts = {side: {"type": "string"} for side in SIDES}
        pair = {"type": "object", "properties": texts, "required": list(SIDES)}
        many = {"type": "array", "items": pair, "minItems": cell.count // 2, "maxItems": cell.count // 2}
        return {"type": "object", "properties": {"pairs": many}, "required": ["pairs"]}

    def _values(self, cell: Cell, material: Material) -> dict[str, Any]:
        other = {"label": cell.against, "definition": material.spec.labels[cell.against]}
        return {**super()._values(cell, material), "against": other, "count": cell.count // 2}


def pairs(material: Material) -> list[tuple[str, str]]:
    """Pairs to tell apart: those confused, then each label and its neighbour, until every label is in one.

    The label that means "none of the others" is in none: there is no minimal change to a text about nothing.
    """
    none = material.spec.out_of_scope
    found = dict.fromkeys(tuple(sorted(pair)) for pair in material.confused if none not in pair)
    met = {label for pair in found for label in pair}
    labels = [label for label in material.spec.labels if label != none]
    for place, label in enumerate(labels):
        others = material.neighbours.get(label) or labels[place + 1 :] + labels[:place]
        near = [other for other in others if other not in (none, label)]
        if label not in met and near:
            found[tuple(sorted((label, near[0])))] = None
            met |= {label, near[0]}
    if not found:
        raise SpecError(
            "The strategy contrastive tells labels apart, and there is but one besides the out-of-scope label.",
            where=str(material.spec.folder / "spec.yaml"),
            fix="Take contrastive out of `strategies`.",
        )
    return [(one, other) for one, other in found]


def _objects(reply: str) -> tuple[list[dict[str, Any]], str]:
    """The complete objects of the reply's list, however it ends, and what is wrong with it."""
    decoder = json.JSONDecoder()
    found: list[dict[str, Any]] = []
    place = reply.find("[")
    if place < 0:
        return [], "no list named pairs"
    while (place := reply.find("{", place)) >= 0:
        try:
            value, place = decoder.raw_decode(reply, place)
        except (ValueError, RecursionError):  # RecursionError: brackets nested without end
            return found, "not JSON: cut off or malformed"
        found.append(value)
    return found, "" if found else "no pairs"
