"""From tags on pieces to spans of whole words: the likeliest sequence of tags that makes sense.

Tags are BIO (Ramshaw, Marcus 1995): `B-Disease` begins a span, `I-Disease` goes on with it, `O` is outside. A sequence
makes sense if every I follows a B or I of its type, and if a word's pieces stay together: O after O, I after B or I.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from zoo.words import inside_a_word

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

OUTSIDE = "O"


class Found(NamedTuple):
    """A stretch of a text: `text[start:end]` is a `label`; `score` from 0 to 1."""

    start: int
    end: int
    label: str
    score: float


def tags(labels: Sequence[str]) -> tuple[str, ...]:
    """The tags of these types, in the order of a model's outputs: O, then B and I of each type."""
    return (OUTSIDE, *(f"{part}-{label}" for label in labels for part in "BI"))


def begins(text: str, places: Sequence[tuple[int, int]]) -> list[bool]:
    """Whether a word begins with each piece.

    Pieces of one word follow each other without a gap, but for accents that the tokenizer left out; where a character
    is cut into bytes they overlap.
    """
    return [
        number == 0
        or _whole(text, places[number - 1][1]) < start
        or (places[number - 1][1] <= start and not inside_a_word(text, start))
        for number, (start, _) in enumerate(places)
    ]


def softmax(logits: NDArray[np.floating], temperature: float) -> NDArray[np.float64]:
    """softmax(logits / temperature) over the last axis."""
    import numpy as np

    scaled = logits.astype(np.float64) / temperature
    scaled -= scaled.max(axis=-1, keepdims=True)
    found = np.exp(scaled)
    return np.asarray(found / found.sum(axis=-1, keepdims=True))


def likeliest(scores: NDArray[np.float64], starts: Sequence[bool]) -> list[int]:
    """The sequence of tags that makes sense and whose scores sum to most (Viterbi 1967).

    Args:
        scores: log-probabilities [pieces, tags], tags as `tags` orders them.
        starts: as `begins` gives them.
    """

    if not len(scores):
        return []
    across, within = _allowed(scores.shape[1])
    first = scores[0] + across[0]  # as if O stood before the text
    best, back = first, []
    for row, start in zip(scores[1:], starts[1:], strict=True):
        ways = best[:, None] + (across if start else within)
        back.append(ways.argmax(axis=0))
        best = ways.max(axis=0) + row
    path = [int(best.argmax())]
    for came in reversed(back):
        path.append(int(came[path[-1]]))
    return path[::-1]


def spans(
    text: str, places: Sequence[tuple[int, int]], probabilities: NDArray[np.float64], labels: Sequence[str]
) -> list[Found]:
    """The spans of a text, by start; none overlap, and each is made of whole words.

    Args:
        text: the text.
        places: (start, end) of its pieces.
        probabilities: of every tag, [pieces, tags].
        labels: the types.
    """
    import numpy as np

    starts = begins(text, places)
    path = likeliest(np.log(np.maximum(probabilities, 1e-30)), starts)
    found, number = [], 0
    while number < len(path):
        tag, first = path[number], number
        number += 1
        if not tag:
            continue
        while number < len(path) and path[number] == tag + 1:
            number += 1
        sure = probabilities[range(first, number), path[first:number]]
        end = _whole(text, places[number - 1][1])
        found.append(Found(places[first][0], end, labels[(tag - 1) // 2], float(sure.min())))
    return found


def _whole(text: str, end: int) -> int:
    """The end, with the accents that belong to the last letter: tokenizers that leave them out leave them unread."""
    while end < len(text) and unicodedata.combining(text[end]):
        end += 1
    return end


def _allowed(count: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """0 where a tag may follow another, else minus infinity: [before, after] across words, and within a word."""
    import numpy as np

    across = np.zeros((count, count))
    within = np.full((count, count), -np.inf)
    within[0, 0] = 0.0
    for go_on in range(2, count, 2):
        across[:, go_on] = -np.inf
        for before in (go_on - 1, go_on):
            across[before, go_on] = within[before, go_on] = 0.0
    return across, within
