"""The check of spans, and the other checks on rows that have some."""

from __future__ import annotations

from pathlib import Path

import pytest

from factory import spec as specs
from factory.hygiene.check import Context
from factory.hygiene.run import CHECKS, OF_ANSWERS, of_kind, run
from factory.hygiene.spans import check
from factory.hygiene.stream import CHECKS as STREAMED
from factory.row import Gold, Lineage, Origin, Row, Span
from factory.spec import Spec
from tests import kitchen

TEXT = "an egg from the oven"


@pytest.fixture
def spec(tmp_path: Path) -> Spec:
    kitchen.make_specialist(tmp_path / "prompts" / "test" / "kitchen", tmp_path / "gold", {})
    return specs.load("test/kitchen", tmp_path / "prompts")


def row(*spans: tuple[int, int, str], origin: Origin = "generated", types: str = "none", text: str = TEXT) -> Row:
    made = tuple(Span(start=start, end=end, label=label) for start, end, label in spans)
    return Row(text=text, spans=made, origin=origin, attributes={"types": types}, lineage=Lineage(spec="s"))


@pytest.mark.parametrize(
    ("one", "reason"),
    [
        (row(), ""),
        (row((3, 6, "Food"), (16, 20, "Tool"), types="Food + Tool"), ""),
        (row((3, 6, "Food"), types="Food + Tool"), "type not there: Tool was asked for"),
        (row((3, 6, "Pan")), "unknown type: 'Pan' is not one of the spec's"),
        (row((16, 21, "Tool")), "out of bounds: [16, 21) of 20 characters"),
        (row((3, 6, "Food"), (4, 9, "Tool")), "overlapping spans: 'egg' and 'gg fr'"),
        (row((3, 7, "Food")), "white space at the end: 'egg '"),
        (row((3, 5, "Food")), "part of a word: 'eg'"),
        (row((3, 5, "Food"), origin="unlabelled"), "part of a word: 'eg'"),
        (row((3, 5, "Food"), origin="reviewed"), ""),
        (row((3, 99, "Food"), origin="reviewed"), "out of bounds: [3, 99) of 20 characters"),
    ],
)
def test_a_row_passes_or_says_why(spec: Spec, one: Row, reason: str) -> None:
    (verdict,) = check([one], Context(spec))
    assert (verdict.passed, verdict.reason) == (not reason, reason)
    assert verdict.score == len(one.spans or ())


def test_rows_with_a_label_are_not_asked(spec: Spec) -> None:
    (verdict,) = check([Row(text="a", label="b", origin="generated", lineage=Lineage(spec="s"))], Context(spec))
    assert verdict.passed and verdict.reason == "not asked: no spans"


def test_each_kind_has_its_checks() -> None:
    assert set(CHECKS) - set(of_kind("classification", CHECKS)) == {"spans", "record", *OF_ANSWERS}
    by_label = {"consistency", "disagreement", "label_noise"}
    assert set(CHECKS) - set(of_kind("spans", CHECKS)) == {"record", *OF_ANSWERS, *by_label}
    assert set(CHECKS) - set(of_kind("extraction", CHECKS)) == {"spans", *OF_ANSWERS, *by_label}
    assert not {"spans", "record"} & set(STREAMED)


def test_texts_are_checked_as_ever(spec: Spec) -> None:
    text, spans = kitchen.sample("Food", 3)
    gold_text, _ = kitchen.sample("Tool", 8)
    good = Row(text=text, spans=spans, origin="generated", lineage=Lineage(spec="s"))
    rows = [
        good,
        good.model_copy(update={"text": text.upper()}),
        good.model_copy(update={"text": gold_text, "spans": ()}),
        good.model_copy(update={"text": "egg", "spans": ()}),
    ]
    checks = of_kind("spans", ("schema", "spans", "length", "contamination", "duplicates"))
    found = run(rows, Context(spec, [Gold(id="g", text=gold_text, spans=())]), checks)
    assert [one.text.lower() for one in found.kept] == [text.lower()]
    assert [one.verdicts[-1].check for one in found.dropped] == ["duplicates", "contamination", "length"]
