"""Pictures place records' figures; what is drawn lies where its value says."""

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory.evidence import plots
from factory.evidence.records import ClassFigures, Confusion, Coverage, Learned, Promise, Record, Reliability
from factory.evidence.svg import Axis, Frame, Picture

OWN: dict[str, Any] = {"who": "student:int8", "rows": "ab" * 32, "n": 100}


def drawn(picture: str) -> ElementTree.Element:
    """A picture as a tree: it is well-formed, or this raises."""
    return ElementTree.fromstring(picture)  # noqa: S314 - our own


def circles(picture: str, css: str) -> list[tuple[float, float]]:
    found = drawn(picture).iter("circle")
    return [(float(one.attrib["cx"]), float(one.attrib["cy"])) for one in found if one.attrib["class"] == css]


@given(st.floats(-1e3, 1e3), st.floats(1e-3, 1e3))
def test_ticks_are_few_round_and_within(low: float, width: float) -> None:
    axis = Axis("x", low, low + width, str)
    assert 2 <= len(axis.ticks) <= 7
    assert all(low - 1e-6 <= tick <= low + width + 1e-6 for tick in axis.ticks)
    assert list(axis.ticks) == sorted(set(axis.ticks))


def test_values_lie_between_the_ends_of_their_axes() -> None:
    picture = Picture(200, 100, "x")
    frame = Frame(picture, Axis("x", 0, 1, str), Axis("y", 0, 10, str))
    left, bottom = frame.at(0, 0)
    right, top = frame.at(1, 10)
    assert 0 < left < right < 200 and 0 < top < bottom < 100
    assert frame.at(0.5, 5) == pytest.approx(((left + right) / 2, (top + bottom) / 2))
    assert frame.at(2, 20) == (right, top), "beyond the ends it lies on the edge"


def test_the_risk_and_the_threshold_are_drawn_where_they_are() -> None:
    points = [
        Coverage(**OWN, coverage=share, threshold=0.5, accepted=50, risk=share / 4, low=share / 5, high=share / 3)
        for share in (1.0, 0.5)
    ]
    promise = Promise(
        **OWN, risk=0.1, threshold=0.625, answers=100, accepted=50, coverage=0.5, error=0.125, verdict="unclear",
        sentence="",
    )  # fmt: skip
    picture = plots.coverage(points, [promise], "Answers")
    assert "stated risk 10 %" in picture and "threshold 0.625" in picture
    (kept,) = circles(picture, "kept")
    assert kept == circles(picture, "dot")[0], "the surest half errs as often as the threshold's half"
    nothing = promise.model_copy(update={"threshold": None, "coverage": None, "error": None, "verdict": "none"})
    picture = plots.coverage(points, [nothing], "Answers")
    assert "stated risk 10 %" in picture and "threshold" not in picture


def test_well_calibrated_bins_lie_on_the_diagonal() -> None:
    bins = [
        Reliability(**OWN, bin=place, count=50, confidence=value, right=value, low=value - 0.1, high=value + 0.1)
        for place, value in enumerate((0.25, 0.5, 0.75), 1)
    ]
    (x1, y1), (x2, y2), (x3, y3) = circles(plots.reliability(bins), "dot")
    assert (x3 - x2, y3 - y2) == pytest.approx((x2 - x1, y2 - y1), abs=0.11)
    assert x1 < x3 and y1 > y3


def test_mistakes_are_counted_in_the_cell_of_their_labels() -> None:
    pairs = [
        Confusion(**OWN, gold="a<b", predicted="c", count=7, support=20),
        Confusion(**OWN, gold="c", predicted=None, count=3, support=30),
    ]
    classes = [ClassFigures(**OWN, label="c", precision=1, recall=0.9, f1=0.95, support=30, predicted=27)]
    words = [one.text for one in drawn(plots.confusion(pairs, classes)).iter("text")]
    assert [one or "" for one in words] == [
        "Taken for", "1", "2", "none", "1", "a<b", "", "7", "", "2", "c", "", "90 %", "3",
    ]  # fmt: skip


def test_only_so_many_labels_are_drawn() -> None:
    pairs = [Confusion(**OWN, gold=f"g{n}", predicted=f"p{n}", count=9 - n, support=20) for n in range(9)]
    picture = plots.confusion(pairs, [])
    assert len(re.findall('class="label"', picture)) == plots.LABELS
    assert "g0" in picture and "g8" not in picture


def test_the_epoch_kept_is_marked() -> None:
    losses = (0.9, 0.4, 0.6)
    steps = [
        Learned(**OWN, figure="held-out loss", by="epoch", at=at, held_out=loss, kept=loss == 0.4)
        for at, loss in enumerate(losses, 1)
    ]
    picture = plots.learning(steps)
    (kept,) = circles(picture, "kept")
    assert all(kept[1] > y for _, y in circles(picture, "dot")), "lower is lower"
    assert "kept: 0.4" in picture


def test_ten_times_the_cost_is_one_step_to_the_right() -> None:
    def record(value: float) -> Record:
        return Record(**OWN, metric="accuracy", value=value, low=value - 0.1, high=value + 0.1)

    points = [("student", 1.0, record(0.8)), ("teacher", 10.0, record(0.6)), ("giant", 100.0, record(0.9))]
    picture = plots.cost(points, "EUR", "Accuracy")
    (own,) = circles(picture, "dot")
    teacher, giant = circles(picture, "hollow")
    assert giant[0] - teacher[0] == pytest.approx(teacher[0] - own[0], abs=0.2)
    assert giant[1] < own[1] < teacher[1], "upwards is better"
    assert "student: 1 EUR, 80.0%" in picture and "A million texts, EUR" in picture


@given(st.lists(st.floats(1e-6, 1e9), min_size=2, max_size=6))
def test_any_costs_lie_within_the_picture(prices: list[float]) -> None:
    record = Record(**OWN, metric="accuracy", value=0.5)
    picture = plots.cost([(f"s{n}", price, record) for n, price in enumerate(prices)], "EUR", "Accuracy")
    places = circles(picture, "dot") + circles(picture, "hollow")
    assert len(places) == len(prices)
    assert all(Frame.LEFT <= x <= plots.WIDTH - Frame.RIGHT for x, _ in places)


def test_what_is_kept_is_said_below_the_curve() -> None:
    """Also at its right end, beside a lower point."""
    shares = (0.4, 0.4, 0.4, 0.4, 0.4, 0.4, 0.4, 0.2, 0.25)
    steps = [
        Learned(**OWN, figure="share wrong", by="epoch", at=at, held_out=share, kept=at == len(shares))
        for at, share in enumerate(shares, 1)
    ]
    picture = plots.learning(steps)
    said = re.search(r'x="([0-9.]+)" y="([0-9.]+)" text-anchor="end">kept: 0.25<', picture)
    (kept,), others = circles(picture, "kept"), circles(picture, "dot")
    assert said and float(said[1]) == kept[0]
    assert float(said[2]) > 10 + max(y for _, y in others)
