"""What a text holds, by name: types of spans, or fields of a record. Rows are planned, balanced and split by it."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence

NONE = "none"
"""The stratum of texts that hold nothing."""
JOIN = " + "
ANSWER = "answer"
"""The one stratum of texts that are answered in words: nothing in an answer parts one from another."""


def stratum_of(names: Iterable[str], order: Iterable[str] = ()) -> str:
    """Which of the names there are: `Chemical + Disease`, in the given order or by name; `none` for none."""
    found = set(names)
    ordered = [name for name in order if name in found]
    return JOIN.join(ordered if len(ordered) == len(found) else sorted(found)) or NONE


def strata(names: Sequence[str]) -> list[str]:
    """What texts are asked to hold: each name, each pair of names, none."""
    return [*names, *(JOIN.join(pair) for pair in itertools.combinations(names, 2)), NONE]


def names_in(stratum: str) -> list[str]:
    """The names that a stratum says."""
    return [] if stratum == NONE else stratum.split(JOIN)
