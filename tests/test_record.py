"""Records: held against their schema and against the text, whoever said them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from factory.files import canonical
from factory.record import Record, plain, problem, quoted, read, same, settle, written
from factory.spec_field import Field, record_schema, reply_schema
from tests import registry
from zoo.form import fits

FIELDS = {name: Field.model_validate(one) for name, one in registry.FIELDS.items()}
FIELDS |= {
    "price": Field(definition="Its price.", type="number"),
    "lost": Field(definition="Whether it is lost.", type="boolean"),
    "note": Field(definition="What else there is.", type="text"),
}
TEXT = "The atlas went to  Ada Lind, ADA\nLIND and Boris Okafor; Lindgren has none."


@pytest.mark.parametrize(
    ("said", "record"),
    [
        ({}, {}),
        ({"due": None, "borrower": [], "note": "  "}, {}),
        ({"borrower": ["Boris Okafor", "ada lind"]}, {"borrower": ["Ada Lind", "Boris Okafor"]}),
        ({"borrower": ["Ada Lind", "ada lind"]}, {"borrower": ["Ada Lind"]}),
        ({"due": "2021-05-XX", "lost": False, "price": 12.0}, {"due": "2021-05-XX", "lost": False, "price": 12}),
        ({"due": "never", "loan": "P3W", "shelf": "cellar", "note": " torn "},
         {"due": "never", "loan": "P3W", "shelf": "cellar", "note": "torn"}),
    ],
)  # fmt: skip
def test_what_holds_has_one_form(said: dict[str, Any], record: Record) -> None:
    made = plain(said)
    assert made is not None
    assert settle(FIELDS, TEXT, made) == (record, "")
    assert not problem(FIELDS, TEXT, record)
    assert not list(Draft202012Validator(record_schema(FIELDS)).iter_errors(record))


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"colour": "red"}, "unknown field: 'colour'"),
        ({"borrower": ["Lind", "Boris"], "due": "soon"}, "not by the schema: due is 'soon', not a date as YYYY-MM-DD"),
        ({"due": "2021-02-30"}, "no such day: due: 2021-02-30"),
        ({"due": "05/02/2021"}, "not by the schema: due"),
        ({"loan": "three weeks"}, "not by the schema: loan"),
        ({"shelf": "attic"}, "not by the schema: shelf is 'attic', not one of: upstairs, cellar"),
        ({"borrower": "Ada Lind"}, "not by the schema: borrower"),
        ({"borrower": ["Chen Weiss"]}, "not in the text: borrower: 'Chen Weiss'"),
        ({"borrower": ["Lind", "gren"]}, "not in the text: borrower: 'gren'"),
        ({"lost": 1}, "not by the schema: lost"),
        ({"price": "12"}, "not by the schema: price"),
        ({"price": True}, "not by the schema: price"),
    ],
)
def test_what_does_not_hold_says_why_and_stays_as_it_was_said(said: Record, reason: str) -> None:
    assert problem(FIELDS, TEXT, said).startswith(reason)
    assert settle(FIELDS, TEXT, said)[0] is said


def test_a_required_field_may_be_missing_only_where_people_told_of_some() -> None:
    fields = {**FIELDS, "note": Field(definition="d", type="text", required=True)}
    assert problem(fields, TEXT, {"lost": True}) == "missing field: note"
    assert problem(fields, TEXT, {"lost": True}, whole=False) == ""


@pytest.mark.parametrize(
    "value",
    [[], "x", None, {"a": {"b": 1}}, {"a": [[1]]}, {"a": [None]}, {"a": "\x00"}, {"\ud800": 1}, {"a": float("nan")},
     {"a": float("inf")}, {"a": 2**60}, {"a": 10**400}, {"a": ["\ud800"]}],
)  # fmt: skip
def test_what_is_no_flat_object_is_no_record(value: Any) -> None:
    assert plain(value) is None


@pytest.mark.parametrize("said", ["", "{", "[]", "[" * 100_000, '{"a": NaN}', '"x"', "9" * 5000])
def test_json_text_that_is_no_record_says_so(said: str) -> None:
    found, reason = read(said)
    assert found is None and reason


JSON = st.none() | st.booleans() | st.integers(-3, 3) | st.floats(-2, 2) | st.sampled_from(
    ["", "Lind", "never", "2021-05-XX", "2021-13-01", "P3W", "P0W", "cellar", "attic", "2021-05-02\n"]
)  # fmt: skip


@given(st.sampled_from(sorted(FIELDS)), JSON | st.lists(JSON, max_size=3))
def test_what_the_zoo_takes_for_a_value_is_what_the_published_schema_allows(name: str, value: Any) -> None:
    """But for `$`, which in a pattern lets an end of line pass."""
    allowed = Draft202012Validator(FIELDS[name].value_schema).is_valid(value)
    ends = any(isinstance(one, str) and one.endswith("\n") for one in (value if isinstance(value, list) else [value]))
    assert fits(FIELDS[name], value) == allowed or (ends and allowed)


def test_quotations_are_whole_words_to_the_letter_before_the_folded() -> None:
    assert quoted("Ada Lind, ADA LIND", "ADA LIND") == (10, 18)
    assert quoted(TEXT, "Ada Lind") == (19, 27)
    assert quoted(TEXT, "lind") == (23, 27)
    assert quoted("Lindgren", "Lind") is None
    assert quoted("a+b", "A+B") == (0, 3) and quoted("", " ") is None


def test_the_same_is_said_in_other_letters() -> None:
    assert same("British Columbia,Canada", "british columbia, Canada") and same(["b", "a"], ["A", "B"])
    assert same(None, None) and not same(None, "x") and not same("P1Y", "P2Y") and not same(True, None)
    assert not same("***", "...")


def test_a_reply_decides_on_every_field() -> None:
    schema = Draft202012Validator(reply_schema(FIELDS, ["due"]))
    blank: dict[str, Any] = dict.fromkeys(FIELDS)
    assert list(schema.iter_errors(blank)) and not list(schema.iter_errors({**blank, "due": "never"}))
    assert list(schema.iter_errors({"due": "never"})), "a field that is left out is no decision"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"type": "text", "values": ["a", "b"]}, "`values` goes with the types"),
        ({"type": "choice"}, "a choice needs `values`"),
        ({"type": "date", "values": ["Never", "never"]}, "differ by more than case"),
        ({"type": "boolean", "many": True}, "`many` of them say nothing"),
    ],
)
def test_a_field_that_makes_no_sense_is_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Field.model_validate({"definition": "d", **changes})


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
words = st.sampled_from(["Ada Lind", "ada  LIND", "2021-05-02", "never", "P3W", "cellar", "XXXX-XX-XX", "9999-99-99\n"])
values = scalars | words | st.lists(scalars | words, max_size=3) | st.dictionaries(st.text(max_size=3), scalars)
names = st.sampled_from(list(FIELDS)) | st.text(max_size=4)


@given(st.dictionaries(names, values, max_size=5), st.text(max_size=20))
def test_anything_holds_in_one_form_or_says_why(said: dict[str, Any], noise: str) -> None:
    text = TEXT + noise
    found = plain(said)
    if found is None:
        return
    settled, reason = settle(FIELDS, text, found)
    if reason:
        assert settled is found and ":" in reason and problem(FIELDS, text, found) == reason
    else:
        assert problem(FIELDS, text, settled) == "" and settle(FIELDS, text, settled) == (settled, "")
        assert not list(Draft202012Validator(record_schema(FIELDS)).iter_errors(settled))
        assert all(one in text for one in settled.get("borrower", []))  # type: ignore[union-attr]
        assert json.loads(written(settled)) == settled and canonical(settled).encode()


@given(st.integers(0, 5000), st.sampled_from(registry.STRATA))
def test_what_the_text_says_holds(number: int, fields: str) -> None:
    text, record = registry.sample(fields, number)
    assert settle(FIELDS, text, record) == (record, "")
    assert set(record) == ({*fields.split(" + ")} if fields != "none" else set())
