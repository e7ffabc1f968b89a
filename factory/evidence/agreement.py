"""How far judges agree: with one another on a row, with one another over all rows, and with people."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from factory.evidence.intervals import wilson

Said = Mapping[str, str | None]
"""Row id to the label a judge finds likeliest; None: its reply could not be used."""


def disagreement(opinions: Sequence[NDArray[Any]]) -> float:
    """Jensen-Shannon divergence of distributions over labels, as a share of its largest value.

    The mean divergence (Kullback-Leibler) of each distribution from their mean (Lin 1991); as a measure of how far a
    committee is divided over a row: McCallum & Nigam 1998. Its largest value is the logarithm of their number; for two
    it is so in bits.

    Args:
        opinions: two or more distributions, each [labels].

    Returns:
        0 where all are the same, 1 where each is sure of another label.
    """
    p = np.asarray(opinions, np.float64)
    found = _entropy(p.mean(axis=0)) - float(np.mean([_entropy(one) for one in p]))
    return min(1.0, max(0.0, found / math.log(len(p))))


def table(said: Mapping[str, Said], people: Mapping[str, str | None]) -> dict[str, Any]:
    """Every judge against people's labels, and every pair of judges against each other.

    Args:
        said: what each judge says of the rows it was asked about.
        people: row id to the label people gave, None where they would not label it: then every judge is wrong.

    Returns:
        `judges`: of each its name, `texts` read, `unusable` replies, and `accuracy` over those of people's rows that it
        was asked about (value, low, high by Wilson's interval, n; null without any; an unusable reply is wrong), and
        its `kappa` with people over those of them to which both gave a label.
        `pairs`: of each two, over the n rows that both could be read on, the share with the `same` label and Cohen's
        `kappa` (Cohen 1960; null where it is not defined, because both always say one label). `all`: n and the share
        of rows on which all that were read say the `same`.
    """
    read = {name: {key: label for key, label in one.items() if label is not None} for name, one in said.items()}
    labelled = {key: label for key, label in people.items() if label is not None}
    everywhere = [[one[key] for one in read.values()] for key in _shared(list(read.values()))]
    return {
        "judges": [
            {
                "judge": name,
                "texts": len(read[name]),
                "unusable": len(one) - len(read[name]),
                "accuracy": _accuracy(one, people),
                "kappa": _pair(read[name], labelled)["kappa"],
            }
            for name, one in said.items()
        ],
        "pairs": [{"judges": [a, b], **_pair(read[a], read[b])} for a, b in combinations(read, 2)],
        "all": {
            "n": len(everywhere),
            "same": _share([len(set(labels)) == 1 for labels in everywhere]),
        },
    }


def _accuracy(one: Said, people: Mapping[str, str | None]) -> dict[str, float] | None:
    judged = [key for key in people if key in one]
    if not judged:
        return None
    right = sum(people[key] is not None and one[key] == people[key] for key in judged)
    return {**vars(wilson(right, len(judged))), "n": len(judged)}


def _pair(one: Mapping[str, str], other: Mapping[str, str]) -> dict[str, Any]:
    from sklearn.metrics import cohen_kappa_score

    shared = _shared([one, other])
    a, b = [one[key] for key in shared], [other[key] for key in shared]
    defined = len({*a, *b}) > 1  # of one label alone, agreement by chance is certain
    kappa = round(float(cohen_kappa_score(a, b)), 4) if defined else None
    return {"n": len(shared), "same": _share([x == y for x, y in zip(a, b, strict=True)]), "kappa": kappa}


def _shared(read: Sequence[Mapping[str, str]]) -> list[str]:
    return sorted(set.intersection(*(set(one) for one in read))) if read else []


def _share(hits: Sequence[bool]) -> float | None:
    return round(sum(hits) / len(hits), 4) if hits else None


def _entropy(p: NDArray[np.float64]) -> float:
    """In nats."""
    some = p[p > 0]
    return float(-(some * np.log(some)).sum())
