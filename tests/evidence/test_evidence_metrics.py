"""Metrics against scikit-learn, and their properties."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, f1_score, precision_recall_fscore_support

from factory.evidence import metrics

LABELS = ["a", "b", "c", "d"]
PAIRS = st.lists(st.tuples(st.sampled_from(LABELS[:3]), st.sampled_from(LABELS)), min_size=1, max_size=60)
SURE = st.lists(st.tuples(st.sampled_from([0.1, 0.5, 0.5001, 0.9, 1.0]), st.booleans()), min_size=1, max_size=60)


@given(PAIRS)
def test_as_scikit_learn(pairs: list[tuple[str, str]]) -> None:
    gold, said = [a for a, _ in pairs], [b for _, b in pairs]
    there = sorted(set(gold))
    assert metrics.accuracy(gold, said) == pytest.approx(accuracy_score(gold, said))
    assert metrics.micro_f1(gold, said) == pytest.approx(f1_score(gold, said, average="micro"))
    assert metrics.macro_f1(gold, said) == pytest.approx(
        f1_score(gold, said, labels=there, average="macro", zero_division=0)
    )
    expected = precision_recall_fscore_support(gold, said, labels=there, zero_division=0)
    found = [(one.precision, one.recall, one.f1, one.support) for one in metrics.per_class(gold, said)]
    assert np.array(found) == pytest.approx(np.array(expected).T)


@given(PAIRS)
def test_confusions_are_the_mistakes(pairs: list[tuple[str, str]]) -> None:
    gold, said = [a for a, _ in pairs], [b for _, b in pairs]
    found = metrics.confusions(gold, said)
    assert sum(count for _, _, count in found) == sum(a != b for a, b in pairs)
    assert all(a != b and count == pairs.count((a, b)) for a, b, count in found)
    assert [count for *_, count in found] == sorted((count for *_, count in found), reverse=True)


def test_no_answer_is_a_wrong_answer() -> None:
    gold, said = ["a", "a", "b", "b"], ["a", None, "b", "a"]
    assert metrics.accuracy(gold, said) == 0.5
    assert metrics.micro_f1(gold, said) == pytest.approx(4 / 7)
    assert metrics.per_class(gold, said)[0] == metrics.PerClass("a", 0.5, 0.5, 0.5, support=2, predicted=2)
    assert metrics.confusions(gold, said) == [("a", None, 1), ("b", "a", 1)]
    assert metrics.macro_f1(["a", "b"], [None, None]) == 0.0


def test_no_rows() -> None:
    for measure in (metrics.accuracy, metrics.macro_f1, metrics.micro_f1):
        with pytest.raises(ValueError, match="no rows"):
            measure([], [])
    with pytest.raises(ValueError, match="same length"):
        metrics.aurc([], [])


def test_calibration_error_by_hand() -> None:
    assert metrics.calibration_error([0.8] * 10, [True] * 8 + [False] * 2) == pytest.approx(0.0)
    assert metrics.calibration_error([1.0] * 4, [True, False] * 2) == pytest.approx(0.5)
    assert metrics.calibration_error([0.2, 0.2, 0.9, 0.9], [0, 0, 1, 1], bins=2) == pytest.approx(0.15)
    assert metrics.calibration_error([0.7], [True]) == pytest.approx(0.3)


def test_a_calibrated_predictor_has_little_calibration_error() -> None:
    rng = np.random.default_rng(1)
    sure = rng.uniform(size=20_000)
    assert metrics.calibration_error(sure, rng.uniform(size=20_000) < sure) < 0.02
    assert metrics.calibration_error(sure, rng.uniform(size=20_000) < sure / 2) > 0.2


def test_brier() -> None:
    assert metrics.brier([[1, 0], [0, 1]], [0, 1]) == 0.0
    assert metrics.brier([[1, 0]], [1]) == 2.0
    assert metrics.brier([[0.5, 0.5]], [0]) == pytest.approx(0.5)


@given(SURE, st.integers(0, 10**6))
@settings(deadline=None)
def test_confidence_metrics_do_not_depend_on_order(rows: list[tuple[float, bool]], seed: int) -> None:
    mixed = random.Random(seed).sample(rows, len(rows))
    for measure in (metrics.calibration_error, metrics.aurc):
        assert measure(*zip(*rows, strict=True)) == pytest.approx(measure(*zip(*mixed, strict=True)))
    ours, theirs = (metrics.risk_at(*zip(*one, strict=True)) for one in (rows, mixed))
    assert [vars(one) for one in ours] == [pytest.approx(vars(one)) for one in theirs]
    assert ours[0].risk == pytest.approx(np.mean([not right for _, right in rows]))
    assert all(0 <= one.risk <= 1 and one.accepted >= one.coverage * len(rows) - 1e-6 for one in ours)


def test_coverage_by_hand() -> None:
    sure, right = [0.9, 0.8, 0.7, 0.6], [True, True, False, True]
    assert [round(one.risk, 3) for one in metrics.risk_at(sure, right, (1.0, 0.75, 0.5))] == [0.25, 0.333, 0.0]
    assert metrics.aurc(sure, right) == pytest.approx((0 + 0 + 1 / 3 + 1 / 4) / 4)
