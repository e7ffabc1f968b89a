"""An encoder for tests: a text is the sum of its words' random directions, the same on every machine."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from factory.words import words

WIDTH = 64


def word_vectors(texts: Sequence[str]) -> NDArray[np.float32]:
    """Float32 [texts, WIDTH]; a text without words is the zero vector."""
    found = np.zeros((len(texts), WIDTH), np.float32)
    for number, text in enumerate(texts):
        for word in words(text):
            found[number] += _direction(word)
    return found


def _direction(word: str) -> NDArray[np.float32]:
    seed = int.from_bytes(hashlib.sha256(word.encode()).digest()[:8], "little")
    return np.random.default_rng(seed).standard_normal(WIDTH).astype(np.float32)
