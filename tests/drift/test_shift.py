"""The tests themselves: what they find, and how often they cry wolf."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy.stats import binom

from factory.drift import shift
from factory.drift.reference import DRAWN_ENOUGH
from factory.drift.shift import Shift

ALPHA, SEEDS, WIDTH = 0.05, 200, 8
RARE = [0.5, 0.2, 0.1, 0.1, 0.05, 0.02, 0.02, 0.01]  # labels that some samples do not even hold


def labels(seed: int, moved: float, size: int = 200) -> Shift:
    """Two samples of labels; of the second a share has moved to the rarest label."""
    rng = np.random.default_rng(seed)
    ours, theirs = (rng.choice(len(RARE), size, p=RARE) for _ in range(2))
    theirs[rng.random(size) < moved] = len(RARE) - 1
    return shift.labels([str(one) for one in ours], [str(one) for one in theirs], seed)


def confidence(seed: int, moved: float, size: int = 200) -> Shift:
    rng = np.random.default_rng(seed)
    ours, theirs = rng.beta(8, 2, size), rng.beta(8, 2, size)
    return shift.confidence(ours.tolist(), np.where(rng.random(size) < moved, theirs / 2, theirs).tolist())


def texts(seed: int, moved: float, size: int = 200) -> Shift:
    rng = np.random.default_rng(seed)
    ours, theirs = (rng.normal(size=(size, WIDTH)).astype(np.float32) for _ in range(2))
    theirs[rng.random(size) < moved, 0] += 4.0
    return shift.texts(ours, theirs, seed)


TESTS = pytest.mark.parametrize("test", [labels, confidence, texts])


@TESTS
def test_false_alarms_are_as_rare_as_stated(test: Callable[[int, float], Shift]) -> None:
    """Of samples of one distribution, no more are called shifted than alpha allows, and not far fewer."""
    alarms = sum(test(seed, 0.0).p < ALPHA for seed in range(SEEDS))
    assert binom.sf(alarms - 1, SEEDS, ALPHA) > 0.001, f"{alarms} of {SEEDS}"
    assert binom.cdf(alarms, SEEDS, ALPHA) > 0.001, f"{alarms} of {SEEDS}"


@TESTS
def test_a_shift_is_found(test: Callable[[int, float, int], Shift]) -> None:
    found = [test(seed, 0.4, 500) for seed in range(20)]
    assert all(one.p < 0.001 and 0.15 < one.distance < 0.6 for one in found)


@TESTS
def test_a_larger_shift_is_further_away(test: Callable[[int, float], Shift]) -> None:
    near, far = (np.mean([test(seed, moved).distance for seed in range(10)]) for moved in (0.2, 0.8))
    assert near < far


def test_of_as_few_texts_as_are_enough_a_large_shift_is_found() -> None:
    found = 0
    for seed in range(100):
        rng = np.random.default_rng(seed)
        ours, theirs = (rng.normal(size=(DRAWN_ENOUGH, 384)) for _ in range(2))
        theirs[rng.random(DRAWN_ENOUGH) < 0.6] += 8.0 / 384**0.5
        found += shift.texts(ours, theirs, seed).p < ALPHA / 4
    assert found >= 80, found


@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=40), st.lists(st.sampled_from("bcd"), min_size=1))
@example(["a"], [*"bbbbbbccccccd"])  # nothing in common, in shares that do not add up to the last digit
def test_labels_from_either_side(ours: list[str], theirs: list[str]) -> None:
    one, other = shift.labels(ours, theirs), shift.labels(theirs, ours)
    assert one.distance == pytest.approx(other.distance)
    assert 0.0 <= one.distance <= 1.0 and 0.0 < one.p <= 1.0
    assert shift.labels(ours, ours).distance == 0.0 and shift.labels(ours, ours).p == 1.0


def test_labels_without_anything_in_common() -> None:
    found = shift.labels(["a"] * 50, ["b"] * 50)
    assert found.distance == 1.0 and found.p == 1 / (shift.RESAMPLES + 1)


def test_a_large_log_is_compared_with_as_many_texts_as_there_are() -> None:
    rng = np.random.default_rng(0)
    found = shift.texts(rng.normal(size=(41, 3)), rng.normal(size=(5000, 3)))
    assert found.method == "domain classifier on 20 texts a side, asked about 20 others"
