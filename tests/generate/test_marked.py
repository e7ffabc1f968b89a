"""Plans of spans are even, replies end as rows or as reasons, and a teacher's claims are found or told."""

from __future__ import annotations

import json
import random
from collections import Counter
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from factory import spec as specs
from factory.errors import SpecError
from factory.generate import marking
from factory.generate.examples import given as examples_of
from factory.generate.plan import cells, coverage, grow
from factory.generate.refill import Refill
from factory.generate.strategies import STRATEGIES, Material
from factory.generate.strategies.cell import Cell
from factory.generate.strategies.holding import asked
from factory.row import Lineage, Row
from factory.span import Span, mark, problem, strip
from factory.spec import Spec
from tests import kitchen

LINEAGE = Lineage(spec="test/kitchen#0")


@pytest.fixture
def spec(tmp_path: Path) -> Spec:
    kitchen.make_specialist(tmp_path / "prompts" / "test" / "kitchen", tmp_path / "gold", {})
    return specs.load("test/kitchen", tmp_path / "prompts")


def cell(types: str = "Food") -> Cell:
    return Cell(label=types, attributes={"tone": "calm"}, count=4, ordinal=0, strategy="marked")


def rows(*texts: str) -> str:
    return json.dumps({"rows": [{"text": text} for text in texts]})


@given(st.integers(1, 7), st.integers(0, 5))
def test_a_round_has_every_type_pairs_and_some_without(types: int, seed: int) -> None:
    labels = [f"T{number}" for number in range(types)]
    pairs = types * (types - 1) // 2
    size = types + min(types, pairs) + max(1, types // 4)
    drawn = list(islice(asked(labels, random.Random(seed)), size * 6))
    found = Counter(label for _, label in drawn)
    assert {found[label] for label in labels} == {6}
    assert found["none"] == 6 * max(1, types // 4)
    counts = [count for label, count in found.items() if "+" in label]
    assert sum(counts) == 6 * min(types, pairs) and (not counts or max(counts) - min(counts) <= 1)
    for label in found:
        assert [ordinal for ordinal, one in drawn if one == label] == list(range(found[label]))


def test_a_plan_is_even_reproducible_and_grows(spec: Spec) -> None:
    material = Material(spec)
    small, large = grow(material, 64), grow(material, 256)
    assert large[: len(small)] == small == grow(Material(spec), 64)
    shares = {share.value: share.rows for share in coverage(large) if share.axis == "types"}
    assert shares == {"Food": 64, "Tool": 64, "Food + Tool": 64, "none": 64}
    tones = Counter((one.label, one.attributes["tone"]) for one in large)
    assert set(tones.values()) == {8}
    assert len({one.id for one in large}) == len(large)


def test_few_shot_shows_marked_rows_of_the_same_types(spec: Spec) -> None:
    known = [
        Row(text=text, spans=spans, origin="reviewed", lineage=LINEAGE.model_copy(update={"source": f"r{number}"}))
        for number, (text, spans) in enumerate(kitchen.sample(types, n) for types in kitchen.MIDDLES for n in range(6))
    ]
    few = spec.model_copy(update={"strategies": {"marked_few_shot": 1.0}})
    material = Material(few, known=known)
    for one in islice(cells(material), 12):
        for example in one.examples:
            text, spans, reason = strip(example, spec.labels)
            assert not reason and spans == kitchen.spans_of(text)
            assert Row(text=text, spans=spans, origin="reviewed", lineage=LINEAGE).stratum == one.label
        assert len(one.sources) == 4
        content = STRATEGIES["marked_few_shot"].request(one, material).messages[1]["content"]
        assert all(example in content for example in one.examples)
    with pytest.raises(SpecError, match="rests on rows that people decided"):
        next(cells(Material(few.model_copy(update={"examples": []}))))
    assert "<Food>butter</Food>" in str([one.examples for one in islice(cells(Material(few)), 4)])


def test_marks_become_exact_spans_and_the_second_mention_is_marked_too() -> None:
    reply = rows("Stir the <Food> red onion </Food>, and with red onion the <Tool>pan</Tool>  again .")
    (draft,), reason = STRATEGIES["marked"].read(cell(), reply)
    assert not reason and draft.text == "Stir the red onion , and with red onion the pan again ."
    assert [(draft.text[s.start : s.end], s.label) for s in draft.spans or ()] == [
        ("red onion", "Food"), ("red onion", "Food"), ("pan", "Tool")
    ]  # fmt: skip


def test_what_cannot_be_read_costs_no_other_row() -> None:
    reply = rows("an <Food>egg</Food> a day", "an <Food>egg a day", "<Tool></Tool>", "no mark in this one")
    drafts, reason = STRATEGIES["marked"].read(cell(), reply)
    assert [draft.text for draft in drafts] == ["an egg a day", "no mark in this one"]
    assert drafts[1].spans == ()
    assert reason == "2 texts whose tags can't be read: unclosed tag: Food"


PIECES = st.sampled_from(
    ["<Food>", "</Food>", "<Tool>", "</Tool>", "<", "&lt;", "egg", " ", "é", "<Pan>", "</", "\\", '"']
)


@given(st.lists(st.lists(PIECES, max_size=12).map("".join), max_size=4), st.integers(0, 200))
def test_any_reply_ends_as_rows_or_as_a_reason(texts: list[str], cut: int) -> None:
    reply = rows(*texts)
    for said in (reply, reply[:cut], "".join(texts)):
        drafts, reason = STRATEGIES["marked"].read(cell(), said)
        assert drafts or reason or not texts
        for draft in drafts:
            assert draft.text == " ".join(draft.text.split()) != ""
            assert problem(draft.text, draft.spans or ()) == ""
            assert strip(mark(draft.text, draft.spans or ())) == (draft.text, draft.spans, "")
    drafts, reason = STRATEGIES["marked"].read(cell(), reply)
    assert len(drafts) == len(texts) or reason


def test_refill_counts_what_was_asked_for(spec: Spec) -> None:
    stream = cells(Material(spec))
    plan = list(islice(stream, 4))
    kept = [
        Row(text=text, spans=spans, origin="generated", attributes={"types": types}, lineage=LINEAGE)
        for types in ("Food", "Tool")
        for text, spans in (kitchen.sample("Food + Tool", number) for number in range(4))
    ]
    again = Refill(plan, stream).further(kept)  # both were asked for alone, and hold the other too
    assert {one.label for one in again} == {"Food + Tool", "none"}


def reply(*claims: tuple[str, str]) -> str:
    return json.dumps({"spans": [{"text": text, "type": label} for text, label in claims]})


@pytest.mark.parametrize(
    ("said", "spans", "failure"),
    [
        (reply(), (), ""),
        (reply(("egg", "Food"), ("egg", "Food")), (Span(start=3, end=6, label="Food"),), ""),
        (reply(("egg", "Food"), ("pan", "Tool")), (Span(start=3, end=6, label="Food"),), ""),
        (reply(("pan", "Tool")), None, "nothing claimed holds: not in the text: 'pan'"),
        (reply(("egg", "Food"))[:-3], None, "not JSON: cut off or malformed"),
        ("[" * 100_000, None, "not JSON: cut off or malformed"),
        ('{"rows": []}', None, "no list named spans"),
        ('{"spans": [{"text": 1, "type": "Food"}]}', None, "not all are claims: a text and a type"),
    ],
)
def test_claims_become_spans_or_a_reason(spec: Spec, said: str, spans: Any, failure: str) -> None:
    found = marking.read(spec, "an egg", said)
    assert (found.decision, found.failure) == (spans, failure)
    if '"pan"' in said:
        assert [one["reason"] for one in found.beside["refused"]] == ["not in the text: 'pan'"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of(st.text(), st.recursive(st.none() | st.text() | st.integers(), st.lists).map(json.dumps)))
def test_any_marking_ends_as_spans_or_as_a_reason(spec: Spec, said: str) -> None:
    found = marking.read(spec, "an egg in a pan", said)
    assert (found.decision is None) == bool(found.failure)


def test_a_question_is_held_to_a_schema_and_a_long_text_gets_room(spec: Spec) -> None:
    short, long = (marking.request(spec, "an egg " * times) for times in (2, 60))
    assert short.json_schema and short.temperature == 0.0
    items = short.json_schema["properties"]["spans"]["items"]
    assert items["properties"]["type"] == {"enum": ["Food", "Tool"]}
    assert long.max_tokens > short.max_tokens


def test_the_specs_examples_are_rows_with_spans(spec: Spec) -> None:
    first, second = examples_of(spec, LINEAGE)
    assert [first.text[s.start : s.end] for s in first.spans or ()] == ["butter", "copper pan"]
    assert second.spans == () and {first.origin, second.origin} == {"example"}
    assert all(one.end <= other.start for one, other in pairwise(first.spans or ()))
