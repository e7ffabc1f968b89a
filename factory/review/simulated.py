"""Simulated reviewers: human-labelled rows given out as if people had just been asked.

The value of review can so be measured honestly: the rows are a random sample, drawn without a look at their labels,
and no gate is ever measured on them.
"""

from __future__ import annotations

from pathlib import Path

from factory.files import digest
from factory.gold import Gold, gold_of
from factory.row import Lineage, Row
from factory.spec import Spec

REVIEWER = "simulated"


def read(spec: Spec, gold: Path, budget: int) -> list[Row]:
    """The first `budget` rows of a specialist's reviewed.jsonl, in an order drawn once and for all.

    Args:
        spec: the specialist.
        gold: settings.gold; the file is `<gold>/<spec.gold>/reviewed.jsonl`.
        budget: rows at most; the rows of a smaller budget are the first of a larger one's.

    Raises:
        DataError: the file is missing, empty, or holds a label the spec does not declare.
    """
    return draw(spec, gold_of(spec, gold, "reviewed.jsonl"), budget)


def draw(spec: Spec, answers: list[Gold], budget: int) -> list[Row]:
    """As `read`, of rows already read; of a text that is there twice the first in the drawn order is taken."""
    drawn: dict[str, Row] = {}
    for gold in sorted(answers, key=lambda gold: (digest(["simulated reviewers", gold.id]), gold.text)):
        if len(drawn) >= budget:
            break
        row = reviewed(gold, Lineage(spec=spec.identity, source=gold.id, reviewers=[REVIEWER]))
        drawn.setdefault(row.id, row)
    return list(drawn.values())


def reviewed(gold: Gold, lineage: Lineage) -> Row:
    """What people said of a text, as a row to train on."""
    return Row(
        text=gold.text,
        label=gold.label,
        spans=gold.spans,
        record=gold.record,
        answer=gold.answer,
        origin="reviewed",
        attributes={} if gold.told is None else {"told": ", ".join(gold.told)},
        lineage=lineage,
    )
