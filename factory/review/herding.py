"""Rows in the order in which a person's judgement of them tells most about all the others.

A judged row stands for those near it. Each next one is the row that raises most the sum over all rows of doubt x
nearness to the nearest judged row: rows in doubt count, rows beside a judged one no longer do (uncertainty herding, Bae
et al. 2024, arXiv:2412.20644; with equal doubts it is the coverage of Hacohen et al. 2022). The sum is submodular, so
the greedy choice is within 1 - 1/e of the best one, and a gain computed earlier is an upper bound (lazy greedy; Minoux
1978).
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

MOST = 5000
"""Rows that are held against each other; n of them take n x n x 4 bytes."""


def herd(vectors: Array, doubts: Sequence[float], judged: Sequence[int], room: int) -> Iterator[int]:
    """The rows that are not judged yet, the most telling first.

    Args:
        vectors: [rows, hidden], of any length but zero.
        doubts: how much the machines hesitate over each row, 0 or more.
        judged: numbers of rows that people have judged, or will in any case.
        room: how many are about to be chosen: the more, the nearer a row must be to be stood for.
    """
    unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    apart = np.maximum(1.0 - unit @ unit.T, 0.0)
    near: Any = np.exp(-apart / _reach(apart, len(judged) + room))
    del apart
    doubt = np.asarray(doubts, np.float32)
    covered = near[list(judged)].max(axis=0) if judged else np.zeros(len(near), np.float32)

    def gain(row: int) -> float:
        return float(doubt @ np.maximum(near[row] - covered, 0.0))

    left = set(range(len(near))) - set(judged)
    heap = [(-gain(row), row, 0) for row in left]
    heapq.heapify(heap)
    chosen = 0
    while heap:
        _, row, known = heapq.heappop(heap)
        if known < chosen:
            heapq.heappush(heap, (-gain(row), row, chosen))
            continue
        covered = np.maximum(covered, near[row])
        chosen += 1
        yield row


def _reach(apart: Array, judged: int) -> float:
    """How far a judged row reaches: to as many neighbours as there are rows to each judged one, by the median."""
    nth = min(max(1, round(len(apart) / max(judged, 1))), len(apart) - 1)
    return max(float(np.median(np.partition(apart, nth, axis=1)[:, nth])), 1e-6)
