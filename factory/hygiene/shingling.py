"""Shingles as 64-bit numbers: what duplicates and contamination compute with in place of strings.

rensa hashes them, so that the numbers are those its MinHash would make of the strings itself. Two different shingles
of one comparison get one number about once in 2^64.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from factory.words import shingles

Array = NDArray[Any]


@dataclass(frozen=True)
class Shingled:
    """The shingles of some texts, one text after the other.

    Attributes:
        flat: uint64, every text's distinct shingles.
        ends: int64, texts + 1; text i has flat[ends[i]:ends[i + 1]].
    """

    flat: Array
    ends: Array

    @property
    def sizes(self) -> Array:
        """How many shingles each text has, at least one."""
        return np.diff(self.ends)

    def of(self, number: int) -> list[int]:
        """The shingles of one text."""
        return list(self.flat[self.ends[number] : self.ends[number + 1]].tolist())


def shingled(texts: Sequence[str]) -> Shingled:
    """The texts' shingles (`factory.words.shingles`) as numbers."""
    found = [_hashes(text) for text in texts]
    ends = np.zeros(len(found) + 1, dtype=np.int64)
    np.cumsum([len(one) // 8 for one in found], out=ends[1:])
    return Shingled(np.frombuffer(b"".join(found), dtype=np.uint64), ends)


@lru_cache(maxsize=8192)  # about a block of rows: contamination and duplicates ask for the same texts in turn
def _hashes(text: str) -> bytes:
    """A text's shingles, 8 bytes each."""
    import rensa

    (found,) = rensa.RMinHash.hash_token_sets((shingles(text),))
    return array("Q", found).tobytes()  # NumPy takes half as long again over Python's integers
