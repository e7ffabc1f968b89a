"""A text as pieces with their places, and windows over it that a model can take at once: no text is too long."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Pieces:
    """A text's pieces, as a tokenizer cuts it, without a limit of length.

    Attributes:
        ids: of the pieces, without special tokens.
        places: (start, end) of each in the text, in Unicode code points; pieces of white space alone are left out of
            both.
        before, after: the special tokens that stand around every window.
    """

    ids: Sequence[int]
    places: Sequence[tuple[int, int]]
    before: Sequence[int]
    after: Sequence[int]


@dataclass(frozen=True)
class Window:
    """What a model is given at once: pieces `start` to `stop`, `ids` with the special tokens around."""

    ids: list[int]
    start: int
    stop: int


def pieces(tokenizer: Any, text: str) -> Pieces:
    """Cut a text.

    Args:
        tokenizer: a `tokenizers.Tokenizer` that neither truncates nor pads.
        text: any text.
    """
    found = tokenizer.encode(text)
    special = found.special_tokens_mask
    first = next((place for place, one in enumerate(special) if not one), len(special))
    last = len(special) - next((place for place, one in enumerate(reversed(special)) if not one), 0)
    ids, places = [], []
    for number, (start, end) in zip(found.ids[first:last], found.offsets[first:last], strict=True):
        words = text[start:end]
        if words.strip():  # some tokenizers count the space before a word as the word's
            ids.append(number)
            places.append((start + len(words) - len(words.lstrip()), end - len(words) + len(words.rstrip())))
    return Pieces(ids, places, found.ids[:first], found.ids[max(first, last) :])


def windows(cut: Pieces, max_tokens: int) -> list[Window]:
    """Windows of at most max_tokens, special tokens included; each shares a quarter or more with the next.

    The last one is as long as the others, and a text that fits is one window.
    """
    room = max(1, max_tokens - len(cut.before) - len(cut.after))
    step = max(1, room - room // 4)
    count = len(cut.ids)
    starts = [0]
    while starts[-1] + room < count:
        starts.append(min(starts[-1] + step, count - room))
    return [
        Window([*cut.before, *cut.ids[start : start + room], *cut.after], start, min(count, start + room))
        for start in starts
    ]


def join(cut: Pieces, found: Sequence[Window], answers: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """What a model says of every piece: [pieces, outputs].

    Two windows that overlap part in the middle, where both see as far.

    Args:
        cut: the text.
        found: its windows.
        answers: what the model says of each one's ids, [ids, outputs].
    """
    import numpy as np

    edges = [(one.stop + other.start) // 2 for one, other in itertools.pairwise(found)]
    first, parts = len(cut.before), []
    for window, said, start, stop in zip(found, answers, [0, *edges], [*edges, len(cut.ids)], strict=True):
        parts.append(said[first + start - window.start : first + stop - window.start])
    return np.concatenate(parts)
