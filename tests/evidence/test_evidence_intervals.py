from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest
from sklearn.metrics import f1_score

from factory.evidence import intervals
from factory.evidence.intervals import bootstrap, mcnemar, paired, wilson

ANSWER = st.sampled_from(["a", "b", "c", None])
ROWS = st.lists(st.tuples(st.sampled_from("abc"), ANSWER, ANSWER), min_size=1, max_size=40)
METRIC = st.sampled_from(["accuracy", "macro_f1"])
FEW = settings(max_examples=40, deadline=None)


@given(ROWS, METRIC)
@FEW
def test_an_interval_holds_its_figure(rows: list[tuple[str, str | None, str | None]], metric: intervals.Metric) -> None:
    gold, a, b = ([row[place] for row in rows] for place in range(3))
    own, difference = bootstrap(metric, gold, a), paired(metric, gold, a, b)
    assert 0 <= own.low <= own.value <= own.high <= 1
    assert -1 <= difference.low <= difference.value <= difference.high <= 1
    back = paired(metric, gold, b, a)
    assert (back.value, back.low, back.high) == pytest.approx((-difference.value, -difference.high, -difference.low))
    same = paired(metric, gold, a, list(a))
    assert (same.value, same.low, same.high) == (0, 0, 0)
    assert bootstrap(metric, gold, a) == own, "a fixed seed gives the same interval"


def test_macro_f1_resamples_are_what_scikit_learn_says() -> None:
    rng = np.random.default_rng(3)
    gold = [str(label) for label in rng.integers(0, 5, 60)]
    said = [label if rng.uniform() < 0.6 else str(rng.integers(0, 7)) for label in gold]
    counts = intervals._Counts(gold, [said])
    resampled = counts.resampled("macro_f1")[0]
    weights = next(iter(intervals._weights(60)))
    for number in range(10):
        rows = np.repeat(np.arange(60), weights[number].astype(int))
        one, two = [gold[row] for row in rows], [said[row] for row in rows]
        expected = f1_score(one, two, labels=sorted(set(one)), average="macro", zero_division=0)
        assert resampled[number] == pytest.approx(expected)


def test_in_chunks_as_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(4)
    gold = [str(label) for label in rng.integers(0, 3, 50)]
    said = [str(label) for label in rng.integers(0, 3, 50)]
    whole = bootstrap("macro_f1", gold, said)
    monkeypatch.setattr(intervals, "_CELLS", 50 * 300)
    assert bootstrap("macro_f1", gold, said) == whole


def test_the_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(5)
    held = 0
    for _ in range(150):
        said = ["a" if right else "b" for right in rng.uniform(size=120) < 0.7]
        own = bootstrap("accuracy", ["a"] * 120, said)
        held += own.low <= 0.7 <= own.high
    assert 0.88 <= held / 150 <= 1.0


@given(st.integers(1, 300), st.integers(0, 300))
def test_wilson_is_scipys(n: int, k: int) -> None:
    k = min(k, n)
    found = wilson(k, n)
    expected = binomtest(k, n).proportion_ci(method="wilson")
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=1e-9)
    assert found.low <= found.value <= found.high


def test_wilson_refuses() -> None:
    for k, n in ((1, 0), (3, 2), (-1, 2)):
        with pytest.raises(ValueError, match="between 0 and n"):
            wilson(k, n)


def test_mcnemar() -> None:
    gold = ["a"] * 20
    better, worse = ["a"] * 20, ["b"] * 10 + ["a"] * 10
    assert mcnemar(gold, better, worse) == pytest.approx(2 * 0.5**10)
    assert mcnemar(gold, better, worse) == mcnemar(gold, worse, better)
    assert mcnemar(gold, better, better) == 1.0


def test_lengths() -> None:
    with pytest.raises(ValueError, match="as many"):
        paired("accuracy", ["a"], ["a"], ["a", "b"])
    with pytest.raises(ValueError, match=r"as many|no rows"):
        bootstrap("accuracy", [], [])


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
@FEW
def test_a_mean_lies_in_its_interval(values: list[float]) -> None:
    found = intervals.mean(values)
    assert found.value == pytest.approx(float(np.mean(values)))
    assert min(values) - 1e-9 <= found.low <= found.value <= found.high <= max(values) + 1e-9
    assert intervals.mean(values) == found, "a fixed seed gives the same interval"


def test_the_interval_of_a_mean_covers_it_as_often_as_it_says() -> None:
    rng = np.random.default_rng(5)
    held = [found.low <= 0.25 <= found.high for found in (intervals.mean(rng.beta(1, 3, 60)) for _ in range(300))]
    assert 0.9 <= np.mean(held) <= 0.98
