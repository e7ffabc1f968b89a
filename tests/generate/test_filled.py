"""Texts written together with their records, and records read out of texts: whatever a teacher replies."""

from __future__ import annotations

import json
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from factory import spec as specs
from factory.generate.examples import given as examples
from factory.generate.extraction import question, read, request
from factory.generate.plan import cells
from factory.generate.refill import Refill
from factory.generate.strategies import STRATEGIES, Material
from factory.generate.strategies.cell import Cell
from factory.generate.write import asked_of
from factory.hygiene.check import Context
from factory.hygiene.run import run
from factory.record import plain, problem, settle
from factory.row import Lineage, Row
from factory.spec import Spec
from factory.strata import names_in, stratum_of
from tests import registry

LINEAGE = Lineage(spec="s")
FILLED = STRATEGIES["filled"]
CELL = Cell(label="due", attributes={}, count=4, ordinal=0, strategy="filled")


@pytest.fixture(scope="module")
def spec(tmp_path_factory: pytest.TempPathFactory) -> Spec:
    base: Path = tmp_path_factory.mktemp("registry")
    registry.make_specialist(base / "test" / "registry", base / "gold", {})
    return specs.load("test/registry", base)


def rows(*items: Any) -> str:
    return json.dumps({"rows": list(items)})


def test_every_field_pairs_and_none_are_asked_for(spec: Spec) -> None:
    found = list(islice(cells(Material(spec, known=examples(spec, LINEAGE))), 40))
    labels = {one.label for one in found}
    assert {"none", *registry.FIELDS} <= labels and any(len(names_in(label)) == 2 for label in labels)
    assert all(label == stratum_of(names_in(label)) for label in labels), "as a row says it"
    assert {one.strategy for one in found} == {"filled", "filled_few_shot"}
    assert all('"record": {' in example for one in found for example in one.examples)
    assert FILLED.attributes(CELL) == {"strategy": "filled", "fields": "due"}


def test_required_fields_are_in_every_cell(spec: Spec) -> None:
    fields = {
        name: field.model_copy(update={"required": name in ("due", "loan")}) for name, field in spec.fields.items()
    }
    some = spec.model_copy(update={"fields": fields})
    labels = {one.label for one in islice(FILLED.cells(Material(some)), 40)}
    assert labels == {"due + loan", "borrower + due + loan", "due + loan + shelf", "borrower + due + loan + shelf"}
    every = {name: field.model_copy(update={"required": True}) for name, field in spec.fields.items()}
    whole = spec.model_copy(update={"fields": every})
    assert {one.label for one in islice(FILLED.cells(Material(whole)), 5)} == {stratum_of(registry.FIELDS)}


def test_a_request_is_held_to_what_it_asks_for(spec: Spec) -> None:
    made = FILLED.request(CELL, Material(spec))
    schema = Draft202012Validator(made.json_schema or {})
    blank: dict[str, Any] = dict.fromkeys(spec.fields)
    good = {"text": "a", "record": {**blank, "due": "never"}}
    assert not list(schema.iter_errors({"rows": [good] * 4}))
    assert list(schema.iter_errors({"rows": [{"text": "a", "record": blank}] * 4}))
    content = made.messages[1]["content"]
    assert "due: a date as YYYY-MM-DD, XX or XXXX for what is not said, or never" in content


def test_texts_without_a_record_cost_no_other_row() -> None:
    reply = rows(
        {"text": " an  entry ", "record": {"due": None}}, {"text": "b"}, {"text": "c", "record": {"a": {}}}, "d"
    )
    drafts, reason = FILLED.read(CELL, reply)
    assert [(draft.text, draft.record) for draft in drafts] == [("an entry", {})]
    assert reason == "3 texts without a record that can be read"


@pytest.mark.parametrize(
    ("reply", "record", "failure"),
    [
        ('{"borrower": ["ADA LIND"], "due": null}', {"borrower": ["Ada Lind"]}, ""),
        ("{}", {}, ""),
        ('{"borrower": ["Ada Lind", "Boris"]}', None, "not in the text: borrower: 'Boris'"),
        ('{"due": "2021-13-01"}', None, "not by the schema: due"),
        ('{"due": "never"', None, "not JSON: cut off or malformed"),
        ("[1]", None, "no record"),
    ],
)
def test_a_text_has_one_record_or_none(spec: Spec, reply: str, record: Any, failure: str) -> None:
    found = read(spec, "The atlas went to Ada Lind.", reply)
    assert found.decision == record and found.failure.startswith(failure) and bool(failure) == bool(found.failure)
    assert (found.beside["said"] is not None) == (failure.startswith("not in") or failure.startswith("not by"))


def test_what_is_asked_of_a_text_says_the_form_of_every_field(spec: Spec) -> None:
    made = request(spec, "The atlas.")
    assert made.messages[1]["content"].endswith("TEXT: The atlas.")
    assert made.json_schema and made.json_schema["required"] == list(spec.fields) and made.temperature == 0.0


PIECES = st.sampled_from(
    ['{"rows": [', '{"text": "', "Ada Lind is due", '", "record": {', '"due": "never"', '"borrower": ["Ada Lind"]', "}",
     "]", ",", "null", '"due":', "1e999", "NaN", "\\ud800", '"x": {"y": []}', "\x00", "é", '"'],
)  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=6) | st.just("Ada Lind"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*registry.FIELDS, "x"]), inner),
    max_leaves=6,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(PIECES, max_size=25).map("".join) | JSON.map(json.dumps), st.integers(0, 400))
def test_any_reply_to_a_reading_is_a_record_that_holds_or_a_reason(spec: Spec, reply: str, cut: int) -> None:
    for said in (reply, reply[:cut]):
        found = read(spec, "Ada Lind is due", said)
        assert (found.decision is None) == bool(found.failure)
        assert found.decision is None or not problem(spec.fields, "Ada Lind is due", found.decision)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.text(max_size=12), JSON), max_size=4), st.integers(0, 300))
def test_any_reply_to_a_writing_ends_as_kept_or_dropped_rows_or_as_a_reason(
    spec: Spec, items: list[tuple[str, Any]], cut: int
) -> None:
    whole = rows(*({"text": f"{text} Ada Lind", "record": record} for text, record in items))
    for said in (whole, whole[:cut]):
        drafts, reason = FILLED.read(CELL, said)
        assert len(drafts) == len(items) or reason
        made = [
            Row(
                text=draft.text,
                record=settle(spec.fields, draft.text, draft.record or {})[0],
                origin="generated",
                attributes=FILLED.attributes(CELL),
                lineage=LINEAGE,
            )
            for draft in drafts
        ]
        assert [Row.from_json(json.loads(json.dumps(row.to_json()))) for row in made] == made
        found = run(made, Context(spec), ("schema", "record"))
        assert len(found.kept) + len(found.dropped) == len(made)
        assert all(row.record and "due" in row.record for row in found.kept)
        assert all(not problem(spec.fields, row.text, row.record or {}) for row in found.kept)
        assert all(not row.verdicts[-1].passed and row.verdicts[-1].reason for row in found.dropped)


def test_refill_counts_what_was_asked_for(spec: Spec) -> None:
    stream = FILLED.cells(Material(spec))
    plan = list(islice(stream, 7))
    kept = [
        Row(text=text, record=record, origin="generated", attributes={"fields": cell.label}, lineage=LINEAGE)
        for cell in plan[:5]
        for text, record in (registry.sample(cell.label, number) for number in range(4))
    ]
    assert {asked_of(row) for row in kept} == {cell.label for cell in plan[:5]}
    again = Refill(plan, stream).further(kept)
    assert {one.label for one in again} <= {cell.label for cell in plan[5:]}


def test_examples_become_rows_in_their_one_form(spec: Spec) -> None:
    first, second = examples(spec, LINEAGE)
    assert first.record == {"borrower": ["Hugo Prandt"], "due": "1999-05-03"} and second.record == {}
    assert plain({}) == {} and second.kind == "extraction" and second.stratum == "none"


def test_a_teacher_is_asked_with_the_policy_or_by_names_and_forms_alone(spec: Spec) -> None:
    with_policy, bare = (question(spec, "an entry", policy) for policy in (True, False))
    assert with_policy == request(spec, "an entry") and bare.json_schema == with_policy.json_schema
    asked = "".join(message["content"] for message in bare.messages)
    assert all(f"{name} ({field.form})" in asked for name, field in spec.fields.items())
    assert "an entry" in asked and spec.rules not in asked
