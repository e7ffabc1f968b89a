"""Words, shingles and their overlap: how checks see that two texts are nearly one."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Set
from itertools import pairwise

_SCRIPT_WITHOUT_SPACES = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
_WORD = re.compile(rf"[{_SCRIPT_WITHOUT_SPACES}]|[^\W{_SCRIPT_WITHOUT_SPACES}]+(?:['’][^\W{_SCRIPT_WITHOUT_SPACES}]+)*")
_SPACELESS = re.compile(f"[{_SCRIPT_WITHOUT_SPACES}]")
_ASCII_WORD = re.compile("[a-z0-9_]+(?:'[a-z0-9_]+)*")
"""What _WORD comes to in folded ASCII, at a third of the time."""


def fold(text: str) -> str:
    """Text without its case, its spacing and its compatibility forms (Unicode NFKC)."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def words(text: str) -> list[str]:
    """Folded words, without punctuation; a character each in Chinese and Japanese."""
    folded = fold(text)
    return (_ASCII_WORD if folded.isascii() else _WORD).findall(folded)


def length(text: str) -> int:
    """Words between spaces; of a text mostly in Chinese or Japanese, which have none, as many as `words` finds."""
    parts = len(text.split())
    if text.isascii() or len(_SPACELESS.findall(fold(text))) <= parts:
        return parts
    return len(words(text))


def shingles(text: str) -> frozenset[str]:
    """The text's single words and pairs of neighbours.

    Short texts need short shingles: with words in threes, one changed word in ten costs more than half the overlap.
    A text without words (an emoji, a row of dots) is its own only shingle, so that two such texts are not one.
    """
    found = words(text)
    if not found:
        return frozenset({fold(text)})
    return frozenset(found).union(map(" ".join, pairwise(found)))


def jaccard(a: Set[str], b: Set[str]) -> float:
    """Shared shingles over all shingles, 0 to 1; 1 for two empty sets."""
    union = len(a | b)
    return len(a & b) / union if union else 1.0
