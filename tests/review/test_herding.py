from __future__ import annotations

from itertools import islice

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory.review import herding
from factory.review.herding import herd

seeds = st.integers(0, 2**32 - 1)


def drawn(seed: int, rows: int) -> tuple[herding.Array, list[float]]:
    draw = np.random.default_rng(seed)
    return draw.normal(size=(rows, 4)).astype(np.float32), draw.random(rows).tolist()


@given(seeds, st.integers(1, 25), st.integers(0, 5), st.integers(1, 10))
def test_every_row_that_is_not_judged_comes_once(seed: int, rows: int, judged: int, room: int) -> None:
    vectors, doubts = drawn(seed, rows)
    known = list(range(min(judged, rows)))
    assert sorted([*known, *herd(vectors, doubts, known, room)]) == list(range(rows))


@given(seeds, st.integers(2, 20), st.integers(0, 4), st.integers(1, 5))
def test_each_next_row_is_the_one_that_gains_most(seed: int, rows: int, judged: int, room: int) -> None:
    vectors, doubts = drawn(seed, rows)
    known = list(range(min(judged, rows - 1)))
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    apart = np.maximum(1.0 - unit @ unit.T, 0.0)
    near = np.exp(-apart / herding._reach(apart, len(known) + room))

    def worth(chosen: list[int]) -> float:
        return float(np.dot(doubts, near[:, chosen].max(axis=1))) if chosen else 0.0

    for row in islice(herd(vectors, doubts, known, room), room):
        best = max(worth([*known, other]) for other in range(rows))
        assert worth([*known, row]) == pytest.approx(best, abs=1e-3)
        known.append(row)


def test_one_row_of_every_crowd_before_a_second_of_any() -> None:
    crowds = np.repeat(np.eye(5, dtype=np.float32), 8, axis=0) + np.random.default_rng(0).normal(0, 0.02, (40, 5))
    first = list(islice(herd(crowds.astype(np.float32), [1.0] * 40, [], 5), 5))
    assert {row // 8 for row in first} == {0, 1, 2, 3, 4}
    rest = list(islice(herd(crowds.astype(np.float32), [1.0] * 40, [0, 8], 3), 3))
    assert {row // 8 for row in rest} == {2, 3, 4}


def test_where_all_lie_alike_doubt_decides() -> None:
    vectors = np.eye(6, dtype=np.float32)
    doubts = [0.2, 0.9, 0.1, 0.5, 0.3, 0.7]
    assert list(herd(vectors, doubts, [], 2)) == [1, 5, 3, 4, 0, 2]
