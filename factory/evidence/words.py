"""How like people's answers somebody's are: ROUGE (Lin 2004), over folded words. No answer is like none."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from factory.evidence.decision import Worded
from factory.evidence.metrics import Floats
from factory.wording import rouge_l, rouge_n

ALIKE = 0.5
"""ROUGE-L F1 from which an answer counts as alike, where one must be right or wrong (thresholds, coverage): half of the
words, in order. It does not say that it is right."""
FIGURES: Mapping[str, Callable[[str, str], float]] = {
    "rouge_l": rouge_l,
    "rouge_1": lambda one, other: rouge_n(one, other, 1),
    "rouge_2": lambda one, other: rouge_n(one, other, 2),
}


def by_row(metric: str, gold: Sequence[Worded], predicted: Sequence[str | None]) -> Floats:
    """The figure of every row, [rows], 0 to 1."""
    if not gold:
        raise ValueError("no rows to measure on")
    pairs = zip(gold, predicted, strict=True)
    return np.array([0.0 if said is None else FIGURES[metric](people.answer, said) for people, said in pairs])


def alike(people: Worded, said: str | None) -> bool:
    """Whether an answer counts as alike."""
    return said is not None and rouge_l(people.answer, said) >= ALIKE
