from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax
from scipy.stats import binomtest

from factory.evidence.calibration import by_label, probabilities, temperature, threshold
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
    exact = binomtest(int((~right[accepted]).sum()), int(accepted.sum())).proportion_ci(1 - 2 * 0.05, method="exact")
    assert found.bound == pytest.approx(exact.high, abs=1e-6)


def test_threshold_by_hand() -> None:
    sure = np.linspace(0, 1, 1000)
    right = np.arange(1000) >= 400  # the 400 least sure are wrong
    found = threshold(sure, right, 0.02)
    assert found is not None
    assert 0.55 < found.coverage <= 0.6  # a step is 5 %
    assert found.risk == 0.0
    assert threshold(sure[-50:], right[-50:], 0.02) is None, "50 right answers do not show 2 %"
    assert threshold(sure, ~right | right, 0.001) is None
    assert threshold([0.9], [True], 0.5) is None


@pytest.mark.parametrize(("rows", "wrong", "shown"), [(28, 0, False), (29, 0, True), (100, 0, True), (100, 1, False)])
def test_how_many_rows_a_risk_of_ten_percent_takes(rows: int, wrong: int, shown: bool) -> None:
    """Where 200 rows begin with 61, of which two may be wrong, 100 begin with 29, of which none may."""
    right = np.ones(rows, dtype=bool)
    right[:wrong] = False  # the surest ones
    assert (threshold(np.linspace(1, 0, rows), right, 0.1) is not None) == shown


@pytest.mark.parametrize(("wrong", "shown"), [(2, True), (3, False)])
def test_many_rows_begin_where_two_may_be_wrong(wrong: int, shown: bool) -> None:
    right = np.ones(200, dtype=bool)
    right[:wrong] = False
    assert (threshold(np.linspace(1, 0, 200), right, 0.1) is not None) == shown


def test_where_the_surest_are_wrong_now_and_then_a_larger_risk_is_shown() -> None:
    """As where people disagree about an eighth of the texts, however sure a model is."""
    shown = 0
    for seed in range(50):
        rng = np.random.default_rng(seed)
        found = threshold(rng.uniform(size=400), rng.uniform(size=400) > 0.12, 0.2)
        shown += found is not None and found.coverage > 0.9
    assert shown > 25, "where two of 30 may be wrong, it is in 5 of the draws"


def test_it_ends_at_the_first_coverage_that_fails_whatever_comes_after() -> None:
    right = np.ones(400, dtype=bool)
    right[200:240] = False
    found = threshold(np.linspace(1, 0, 400), right, 0.15)
    assert found is not None and 0.5 <= found.coverage < 0.6
    assert (~right).mean() < 0.15, "all of them together would have passed"


@pytest.mark.parametrize(("rows", "risk"), [(100, 0.2), (200, 0.1), (400, 0.15), (2000, 0.05)])
def test_threshold_promise_holds_on_new_rows(rows: int, risk: float) -> None:
    """The true risk may exceed the target in at most 5 % of draws; here it is known."""
    draws, broken, shown = 400, 0, 0
    for seed in range(draws):
        rng = np.random.default_rng(seed)
        sure = rng.uniform(0.5, 1.0, rows)
        found = threshold(sure, rng.uniform(size=rows) < sure, risk)
        if found is not None:
            shown += 1
            broken += 1 - (found.confidence + 1.0) / 2 > risk  # mean accuracy above the threshold
    assert shown > draws / 10 and binomtest(broken, draws, 0.05, alternative="greater").pvalue > 0.01


def said_by(rows: int, seed: int, accuracy: dict[str, float]) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Answers of labels that are right as often as is said, however sure."""
    rng = np.random.default_rng(seed)
    labels = [str(one) for one in rng.choice(list(accuracy), rows)]
    return rng.uniform(0.5, 1.0, rows), rng.uniform(size=rows) < [accuracy[one] for one in labels], labels


def test_a_label_that_is_wrong_oftener_has_a_threshold_of_its_own_or_none() -> None:
    sure = np.tile(np.linspace(0.5, 1.0, 200), 2)
    right = np.concatenate([np.ones(200, dtype=bool), np.linspace(0.5, 1.0, 200) > 0.75])
    labels = ["good"] * 200 + ["bad"] * 200
    found = by_label(sure, right, labels, 0.1)
    assert found.common is None and set(found.own) == {"good", "bad"}
    assert found.own["good"].confidence == 0.5 and found.own["bad"].confidence > 0.7
    assert found.doubt.thresholds == {"bad": round(found.own["bad"].confidence, 4), "good": 0.5}
    assert "good: of the surest 100 % of answers at most 1.5 % are wrong; the others: nothing" in found.sentence


@pytest.mark.parametrize(("rows", "own"), [(57, False), (58, True)])
def test_how_many_answers_a_label_takes(rows: int, own: bool) -> None:
    """Twice the 29 that show 10 % with none of them wrong; with fewer it is among the rest."""
    found = by_label(np.linspace(1, 0, rows + 40), np.ones(rows + 40), ["a"] * rows + ["b"] * 40, 0.1)
    assert ("a" in found.own) == own and "b" not in found.own
    assert found.common is not None and (found.common.coverage == 1.0)


def test_the_promise_is_kept_label_by_label_where_a_common_one_is_not() -> None:
    """One label is wrong in a fifth of its answers, which are a third: on average that is within the risk."""
    accuracy = {"a": 1.0, "b": 1.0, "c": 0.8}
    common = own = 0
    draws = 100
    for seed in range(draws):
        sure, right, labels = said_by(600, seed, accuracy)
        common += threshold(sure, right, 0.15) is not None
        own += not by_label(sure, right, labels, 0.15).doubt.unsure(1.0, "c")
    assert common > draws / 4
    assert binomtest(own, draws, 0.05, alternative="greater").pvalue > 0.01


@given(
    st.lists(st.tuples(st.floats(0, 1), st.booleans(), st.sampled_from("abc")), min_size=1, max_size=250),
    st.sampled_from([0.1, 0.3, 0.6]),
)
@settings(deadline=None)
def test_every_threshold_keeps_its_promise_on_the_answers_it_is_of(
    rows: list[tuple[float, bool, str]], risk: float
) -> None:
    sure, right, labels = (np.array([row[place] for row in rows]) for place in range(3))
    found = by_label(sure, right, [str(one) for one in labels], risk)
    rest = ~np.isin(labels, list(found.own))
    for one, its in [*((one, labels == label) for label, one in found.own.items()), (found.common, rest)]:
        if one is not None:
            accepted = its & (sure >= one.confidence)
            assert (~right[accepted]).mean() <= one.bound <= risk


def test_spans_that_err_together_count_as_their_texts() -> None:
    """800 spans, four a text, all of a text right or all wrong: what 200 texts show, and no more."""
    rng = np.random.default_rng(1)
    sure = rng.random(200)
    right = (sure > 0.5) | (rng.random(200) > 0.3)
    alone = threshold(sure, right, 0.1)
    four, texts = (np.repeat(sure, 4), np.repeat(right, 4)), np.repeat(np.arange(200), 4)
    together, blind = threshold(*four, 0.1, texts=texts), threshold(*four, 0.1)
    assert alone is not None and together is not None and blind is not None
    assert together.coverage == pytest.approx(alone.coverage, abs=0.06), "a step is 5 %"
    assert together.risk < blind.risk and together.coverage < blind.coverage


@pytest.mark.parametrize(
    "promised", [threshold, lambda *told, **how: by_label(*told[:2], ["a"] * 200, *told[2:], **how)]
)
def test_of_one_answer_a_text_nothing_changes(promised: Callable[..., object]) -> None:
    rng = np.random.default_rng(2)
    sure, right = rng.random(200), rng.random(200) > 0.05
    assert promised(sure, right, 0.1, texts=range(200)) == promised(sure, right, 0.1)


def test_a_promise_about_spans_is_kept_though_they_err_together() -> None:
    """A false promise is made in more than one of 20 draws by a bound that counts spans, and by texts in no more."""
    rng = np.random.default_rng(3)
    sure, texts, false = np.linspace(1, 0, 240), np.repeat(np.arange(60), 4), {"spans": 0, "texts": 0}
    for _ in range(400):
        right = np.repeat(rng.random(60) > 0.11, 4)  # all of a text's spans are wrong or none is
        false["spans"] += threshold(sure, right, 0.1) is not None
        false["texts"] += threshold(sure, right, 0.1, texts=texts) is not None
    assert false["texts"] <= 400 / 20 < false["spans"]
