"""The linear probe and the opponents a student must beat."""

from __future__ import annotations

import numpy as np
import pytest

from factory.row import Lineage, Row
from factory.students import probe
from factory.students.baselines import Majority, Tfidf


def row(text: str, label: str, weight: float = 1.0, soft: dict[str, float] | None = None) -> Row:
    return Row(text=text, label=label, weight=weight, soft=soft, origin="generated", lineage=Lineage(spec="s"))


def test_a_probe_separates_what_can_be_separated() -> None:
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 3, 90)
    x = (3 * np.eye(5, dtype=np.float32)[truth] + 0.3 * rng.normal(size=(90, 5))).astype(np.float32)
    weight, bias = probe.fit(x, np.eye(3, dtype=np.float32)[truth], np.ones(90, np.float32))
    assert weight.shape == (3, 5) and bias.shape == (3,)
    assert ((x @ weight.T + bias).argmax(axis=1) == truth).all()


def test_a_row_without_weight_is_not_heard() -> None:
    x = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]], np.float32)
    y = np.eye(2, dtype=np.float32)[[0, 1, 1]]
    with_it = probe.fit(x, y, np.array([1, 1, 0], np.float32))
    without = probe.fit(x[:2], y[:2], np.ones(2, np.float32))
    assert np.allclose(with_it[0], without[0], atol=1e-3)


def test_soft_targets_are_met_softly() -> None:
    x = np.ones((4, 1), np.float32)
    y = np.tile(np.array([[0.8, 0.2]], np.float32), (4, 1))
    weight, bias = probe.fit(x, y, np.ones(4, np.float32), penalty=1e-6)
    scores = np.exp(x[:1] @ weight.T + bias)
    assert (scores / scores.sum())[0, 0] == pytest.approx(0.8, abs=0.01)


def test_a_larger_penalty_makes_a_smaller_matrix() -> None:
    x = np.array([[1.0], [-1.0]], np.float32)
    y = np.eye(2, dtype=np.float32)
    sizes = [float(np.abs(probe.fit(x, y, np.ones(2, np.float32), penalty=p)[0]).sum()) for p in (1e-3, 1e-1, 10.0)]
    assert sizes == sorted(sizes, reverse=True)


def test_the_majority_goes_by_weight() -> None:
    rows = [row("x", "a", 0.2), row("y", "a", 0.2), row("z", "b", 0.9)]
    assert Majority(rows, ["a", "b"]).predict(["one", "two"]) == ["b", "b"]


def test_tfidf_learns_and_knows_nothing_of_labels_it_never_saw() -> None:
    rows = [row(f"the parcel came late {n}", "parcel") for n in range(8)]
    rows += [row(f"my invoice is wrong {n}", "money") for n in range(8)]
    found = Tfidf(rows)
    assert found.predict(["where is the parcel", "an invoice please"]) == ["parcel", "money"]
    p = found.predict_proba(["where is the parcel"], ["money", "account", "parcel"])
    assert p.shape == (1, 3)
    assert p[0, 1] == 0.0 and p[0, 2] > 0.5
    assert p.sum() == pytest.approx(1.0)


def test_tfidf_is_told_of_soft_labels() -> None:
    sure = [row("the parcel", "a"), row("an invoice", "b")]
    torn = Tfidf([*sure, *(row("the thing", "a", soft={"a": 0.5, "b": 0.5}) for _ in range(5))])
    p = torn.predict_proba(["thing"], ["a", "b"])[0]
    assert p[0] == pytest.approx(0.5, abs=0.15)


def test_tfidf_of_one_label_alone_always_says_it() -> None:
    found = Tfidf([row("one text", "a"), row("another text", "a")])
    assert found.predict(["whatever"]) == ["a"]
    assert found.predict_proba(["whatever"], ["b", "a"]).tolist() == [[0.0, 1.0]]
