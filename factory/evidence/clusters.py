"""Answers that err together, such as several spans of one text, and by how much less they show than as many texts.

Where one span of a text is wrong the next often is, too: they meet at the same word, or nothing like the text was ever
learned. A bound that takes them for as many draws is then too narrow.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from factory.evidence.metrics import Floats


def correlation(wrong: Any, texts: Any) -> float:
    """How alike answers of one text are in being wrong, 0 to 1.

    From the variance of a share over texts (linearised, as of a ratio) beside that of as many answers drawn one by one:
    what is above is put down to the texts' sizes and this (Kish 1965, Survey Sampling, 5.4). 0 where no text has two
    answers, or none or all are wrong.

    Args:
        wrong: whether each answer is, [n].
        texts: which text each answers, [n].
    """
    flags: Floats = np.asarray(wrong, dtype=np.float64)
    sizes, place = _sizes(texts)
    share, n = float(flags.mean()) if len(flags) else 0.0, len(flags)
    several = _size_of_an_answers_text(sizes) - 1.0
    if several <= 0.0 or share in (0.0, 1.0) or len(sizes) < 2:
        return 0.0
    away = np.bincount(place, flags - share)
    over_texts = len(sizes) / (len(sizes) - 1) * float(away @ away) / n**2
    effect = over_texts * (n - 1) / (share * (1.0 - share))
    return min(1.0, max(0.0, (effect - 1.0) / several))


def design_effect(texts: Any, correlated: float) -> float:
    """How many answers of these texts show as much as one that was drawn by itself; at least 1 (Kish 1965, 5.4).

    Args:
        texts: which text each answers, [n], n at least 1.
        correlated: see correlation.
    """
    return 1.0 + (_size_of_an_answers_text(_sizes(texts)[0]) - 1.0) * correlated


def _sizes(texts: Any) -> tuple[Floats, Any]:
    """How many answers each text has, and the place of each answer's text among them."""
    _, place, sizes = np.unique(np.asarray(texts), return_inverse=True, return_counts=True)
    return sizes.astype(np.float64), place


def _size_of_an_answers_text(sizes: Floats) -> float:
    """How many answers the text of an answer has, on average over answers."""
    return float(sizes @ sizes / sizes.sum()) if len(sizes) else 1.0
