"""Parts of the gold rows, and the figures on them."""

from __future__ import annotations

from typing import Any

import pytest

from factory.evidence import slices
from factory.evidence.circumstances import Circumstances
from factory.evidence.intervals import wilson
from factory.evidence.predictions import answers
from factory.evidence.records import Slice
from factory.row import Gold, Span

NOTED = Circumstances()


def lines(n: int, **values: Any) -> list[dict[str, Any]]:
    """Lines of a gold file; a value that can be called is given the line's number."""
    filled = [{key: value(place) if callable(value) else value for key, value in values.items()} for place in range(n)]
    return [{"id": f"g{place}", "text": "x", "label": "a", **one} for place, one in enumerate(filled)]


def test_a_gold_file_s_keys_tell_rows_apart_where_they_name_kinds_of_rows() -> None:
    found = slices.groups(
        lines(
            100,
            source=lambda place: f"repo:{'train' if place < 60 else 'devel'}.tsv#{place}",
            contract=lambda place: f"contract {place}",
            asked=lambda place: ["date", "people"] if place % 2 else [],
            same="always",
            channel=lambda place: "web" if place < 90 else "fax",
        )
    )
    assert set(found) == {"source", "asked", "channel"}
    assert set(found["source"].values()) == {"repo:train.tsv", "repo:devel.tsv"}
    assert set(found["asked"].values()) == {"date, people", "none"}
    assert set(found["channel"].values()) == {"web", "others"}, "fewer than 30 rows go together"


def labelled(n: int, wrong: set[int]) -> tuple[Any, dict[str, str]]:
    gold = [Gold(id=f"g{place}", text="x" * (place + 1), label="a") for place in range(n)]
    said = ["b" if place in wrong else "a" for place in range(n)]
    return answers("student:int8", gold, said), {row.id: row.text for row in gold}


def test_thirds_by_length_are_thirds_with_wilson_s_interval() -> None:
    predictions, texts = labelled(99, wrong=set(range(66, 99, 3)))
    found = {one.slice: one for one in slices.measure(predictions, "accuracy", texts, {}, NOTED)}
    assert list(found) == ["up to 33 characters", "34 to 66 characters", "over 66 characters"]
    assert [one.n for one in found.values()] == [33, 33, 33]
    weak = found["over 66 characters"]
    expected = wilson(22, 33)
    assert (weak.value, weak.low, weak.high) == (expected.value, expected.low, expected.high)
    assert not weak.few and weak.figure == "accuracy" and weak.rows != predictions.rows


def test_a_slice_of_few_rows_says_so() -> None:
    predictions, texts = labelled(31, wrong=set())
    told = {"channel": {f"g{place}": "web" if place < 30 else "fax" for place in range(31)}}
    few = {
        one.slice: one.few for one in slices.measure(predictions, "accuracy", texts, told, NOTED) if one.by != "length"
    }
    assert few == {"web": False, "fax": True}


def test_texts_of_one_length_are_not_told_apart() -> None:
    gold = [Gold(id=f"g{place}", text="same", label="a") for place in range(9)]
    predictions = answers("student:int8", gold, ["a"] * 9)
    assert slices.measure(predictions, "accuracy", {row.id: "same" for row in gold}, {}, NOTED) == []


def test_spans_are_told_apart_by_how_many_there_are_and_none_has_no_figure() -> None:
    spans = [(), (Span(start=0, end=1, label="A"),), (Span(start=0, end=1, label="A"), Span(start=2, end=3, label="A"))]
    gold = [Gold(id=f"g{place}", text="a b c", spans=spans[place % 3]) for place in range(9)]
    predictions = answers("student:int8", gold, [spans[1]] * 9)
    found = slices.measure(predictions, "span_f1", {row.id: row.text for row in gold}, {}, NOTED)
    figures: dict[str, Slice] = {one.slice: one for one in found}
    assert set(figures) == {"one span", "two spans"}
    assert figures["one span"].value == 1.0
    assert figures["two spans"].value == pytest.approx(2 / 3)
    told = {"channel": {row.id: "with" if row.spans else "without" for row in gold}}
    assert [one.slice for one in slices.measure(predictions, "span_f1", {r.id: r.text for r in gold}, told, NOTED)][
        2:
    ] == ["with"]
