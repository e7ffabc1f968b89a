from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax
from scipy.stats import binomtest

from factory.evidence.calibration import LEVELS, probabilities, temperature, threshold
from factory.evidence.metrics import calibration_error


def drawn(n: int, true: float, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Logits whose right temperature is `true`."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(n, 5)) * 2
    weights = probabilities(logits)
    gold = np.array([rng.choice(5, p=row) for row in weights])
    return logits * true, gold


@pytest.mark.parametrize("true", [0.3, 1.0, 4.0])
def test_temperature_is_found(true: float) -> None:
    logits, gold = drawn(4000, true)
    assert temperature(logits, gold) == pytest.approx(true, rel=0.07)


def test_temperature_is_scipys_and_calibrates() -> None:
    logits, gold = drawn(500, 3.0)
    rows = np.arange(500)
    expected = minimize_scalar(
        lambda t: -log_softmax(logits / t, axis=1)[rows, gold].mean(), bounds=(0.05, 20), method="bounded"
    )
    found = temperature(logits, gold)
    assert found == pytest.approx(expected.x, rel=1e-3)
    errors = [calibration_error(p.max(axis=1), p.argmax(axis=1) == gold) for p in
              (probabilities(logits), probabilities(logits, found))]  # fmt: skip
    assert errors[1] < errors[0] / 3


def test_probabilities_do_as_logits() -> None:
    logits, gold = drawn(300, 2.0)
    assert temperature(np.log(probabilities(logits)), gold) == pytest.approx(temperature(logits, gold), rel=1e-3)


@given(st.lists(st.integers(0, 3), min_size=40, max_size=40).filter(any))
def test_a_row_of_weight_n_is_n_rows(weights: list[int]) -> None:
    logits, gold = drawn(40, 2.0)
    expected = temperature(np.repeat(logits, weights, axis=0), np.repeat(gold, weights))
    assert temperature(logits, gold, weights) == pytest.approx(expected, rel=1e-3)


def test_extremes_stay_in_bounds() -> None:
    assert temperature([[1.0, 0.0]] * 3, [0, 0, 0]) == pytest.approx(0.05, rel=0.01)
    assert temperature([[1.0, 0.0]] * 3, [1, 1, 1]) == pytest.approx(20, rel=0.01)
    assert np.isfinite(temperature([[1e4, -1e4], [-1e4, 1e4]], [0, 0]))


@pytest.mark.parametrize(
    ("logits", "gold"),
    [([[1.0, 2.0]], [0, 1]), ([1.0], [0]), ([[1.0, 2.0]], [2]), ([[1.0, 2.0]], [-1]), ([[1.0, float("inf")]], [0])],
)
def test_temperature_refuses(logits: list, gold: list) -> None:
    with pytest.raises(ValueError, match=r"logits|gold"):
        temperature(logits, gold)


@given(
    st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=200),
    st.sampled_from([0.05, 0.2, 0.5, 0.9]),
)
@settings(deadline=None)
def test_threshold_keeps_its_promise_on_the_rows_it_saw(rows: list[tuple[float, bool]], risk: float) -> None:
    sure, right = np.array([one for one, _ in rows]), np.array([one for _, one in rows])
    found = threshold(sure, right, risk)
    if found is None:
        return
    accepted = sure >= found.confidence
    assert found.coverage == accepted.mean()
    assert found.risk == pytest.approx((~right[accepted]).mean())
    assert found.risk <= found.bound <= risk
    exact = binomtest(int((~right[accepted]).sum()), int(accepted.sum())).proportion_ci(
        1 - 2 * 0.05 / LEVELS, method="exact"
    )
    assert found.bound == pytest.approx(exact.high, abs=1e-6)


def test_threshold_by_hand() -> None:
    sure = np.linspace(0, 1, 1000)
    right = np.arange(1000) >= 400  # the 400 least sure are wrong
    found = threshold(sure, right, 0.02)
    assert found is not None
    assert found.coverage == pytest.approx(0.6)
    assert found.risk == 0.0
    assert threshold(sure[-50:], right[-50:], 0.02) is None, "50 right answers do not show 2 %"
    assert threshold(sure, ~right | right, 0.001) is None
    assert threshold([0.9], [True], 0.5) is None


def test_threshold_promise_holds_on_new_rows() -> None:
    """The true risk may exceed the target in at most 5 % of draws; here it is known."""
    broken = 0
    for seed in range(150):
        rng = np.random.default_rng(seed)
        sure = rng.uniform(0.5, 1.0, 400)
        found = threshold(sure, rng.uniform(size=400) < sure, 0.15)
        if found is not None:
            broken += 1 - (found.confidence + 1.0) / 2 > 0.15  # mean accuracy above the threshold
    assert broken <= 8
