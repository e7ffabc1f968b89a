"""What a dossier says, against what it should: the file, the figure, found and expected."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

_LONGEST = 160


@dataclass(frozen=True)
class Difference:
    """One of them.

    Attributes:
        file: path inside the dossier.
        figure: which figure or statement: `promise[0].error`, `line 17`, `sha256`.
        found: what the dossier says; None: nothing.
        expected: what follows from the records; None: nothing.
    """

    file: str
    figure: str
    found: Any
    expected: Any

    def __str__(self) -> str:
        return f"{self.file}: {self.figure}: found {_short(self.found)}, expected {_short(self.expected)}"


def values(file: str, found: Any, expected: Any, figure: str = "") -> Iterator[Difference]:
    """Where two JSON values differ, down to the figure."""
    if isinstance(found, dict) and isinstance(expected, dict):
        for key in [*expected, *(key for key in found if key not in expected)]:
            yield from values(file, found.get(key), expected.get(key), f"{figure}.{key}" if figure else str(key))
    elif isinstance(found, list) and isinstance(expected, list):
        for place in range(max(len(found), len(expected))):
            one, other = (side[place] if place < len(side) else None for side in (found, expected))
            yield from values(file, one, other, f"{figure}[{place}]")
    elif type(found) is not type(expected) or found != expected:
        yield Difference(file, figure or "the whole", found, expected)


def lines(file: str, found: str, expected: str) -> Iterator[Difference]:
    """Where two texts differ, line by line."""
    ours, theirs = found.splitlines(), expected.splitlines()
    for tag, a, b, c, d in difflib.SequenceMatcher(None, ours, theirs, autojunk=False).get_opcodes():
        if tag != "equal":
            for place in range(max(b - a, d - c)):
                one = ours[a + place] if a + place < b else None
                other = theirs[c + place] if c + place < d else None
                yield Difference(file, f"line {min(a + place, b) + 1}", one, other)
    if ours == theirs and found != expected:
        yield Difference(file, "ends of lines", "others", "as written")


def _short(value: Any) -> str:
    if value is None:
        return "nothing"
    text = str(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
