"""Disagreement is a proper divergence; agreement is counted over the rows that both have read."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from scipy.spatial.distance import jensenshannon

from factory.evidence.agreement import disagreement, table

Array = NDArray[np.float64]


def distributions(number: int, labels: int = 4) -> st.SearchStrategy[Array]:
    shares = arrays(np.float64, (number, labels), elements=st.floats(0.0, 1.0)).map(lambda p: p + 1e-9)
    return shares.map(lambda p: p / p.sum(axis=1, keepdims=True))


@given(st.integers(2, 5).flatmap(distributions), st.randoms())
def test_disagreement_is_a_share_and_knows_no_order(p: Array, shuffler: Any) -> None:
    found = disagreement(list(p))
    assert 0.0 <= found <= 1.0
    mixed = list(p)
    shuffler.shuffle(mixed)
    assert disagreement(mixed) == pytest.approx(found, abs=1e-9)


@given(distributions(1), st.integers(2, 5))
def test_judges_who_say_the_same_do_not_disagree(p: Array, number: int) -> None:
    assert disagreement([p[0]] * number) == pytest.approx(0.0, abs=1e-9)


@given(distributions(2))
def test_of_two_judges_it_is_the_divergence_that_scipy_knows(p: Array) -> None:
    found = disagreement(list(p))
    known = np.nan_to_num(jensenshannon(p[0], p[1], base=2))  # nan is the root of a 0 that rounding made negative
    assert found == pytest.approx(float(known) ** 2, abs=1e-6)
    assert found * math.log(2) <= math.log(2) + 1e-12  # in nats


@pytest.mark.parametrize("number", [2, 3, 4])
def test_judges_each_sure_of_another_label_disagree_wholly(number: int) -> None:
    assert disagreement(list(np.eye(4)[:number])) == pytest.approx(1.0)


def test_a_table_counts_what_both_have_read() -> None:
    said = {
        "a@1": {"1": "x", "2": "x", "3": "y", "4": "y", "5": None},
        "b@2": {"1": "x", "2": "y", "3": "y", "4": "y"},
        "c@3": {"1": "x", "2": None},
    }
    found = table(said, {"1": "x", "2": "y", "5": "x", "6": "x"})
    a, b, c = found["judges"]
    assert (a["judge"], a["texts"], a["unusable"]) == ("a@1", 4, 1)
    assert (a["accuracy"]["n"], a["accuracy"]["value"]) == (3, pytest.approx(1 / 3))  # an unusable reply is wrong
    assert (b["accuracy"]["n"], b["accuracy"]["value"]) == (2, 1.0)
    assert (b["kappa"], c["kappa"]) == (
        1.0,
        None,
    )  # a's third row of people has no usable reply: two rows, half by chance
    assert (c["accuracy"]["n"], c["accuracy"]["value"]) == (2, 0.5)
    assert 0 <= a["accuracy"]["low"] < a["accuracy"]["value"] < a["accuracy"]["high"] <= 1
    pairs = {tuple(pair["judges"]): pair for pair in found["pairs"]}
    assert len(pairs) == 3
    # 3 of 4 the same; by chance 1/2 * 1/4 + 1/2 * 3/4 = 1/2: (3/4 - 1/2) / (1 - 1/2)
    assert pairs["a@1", "b@2"] == {"judges": ["a@1", "b@2"], "n": 4, "same": 0.75, "kappa": 0.5}
    assert pairs["a@1", "c@3"]["n"] == 1 and pairs["a@1", "c@3"]["kappa"] is None
    assert found["all"] == {"n": 1, "same": 1.0}


def test_a_row_that_people_would_not_label_has_no_right_judge() -> None:
    [judge] = table({"a@1": {"1": "x", "2": None}}, {"1": None, "2": None})["judges"]
    assert (judge["accuracy"]["n"], judge["accuracy"]["value"]) == (2, 0.0)


def test_where_nobody_read_anything_nothing_is_claimed() -> None:
    found = table({"a@1": {}, "b@2": {}}, {})
    assert [one["accuracy"] for one in found["judges"]] == [None, None]
    assert found["pairs"] == [{"judges": ["a@1", "b@2"], "n": 0, "same": None, "kappa": None}]
    assert table({}, {"1": "x"}) == {"judges": [], "pairs": [], "all": {"n": 0, "same": None}}
