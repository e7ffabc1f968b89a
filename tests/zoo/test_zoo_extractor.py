"""A specialist that reads records: whatever its model says, what comes out parses and fits its fields."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
import tiny_causal
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_causal import PROMPT_JSON

import zoo
from factory.spec_field import Field, record_schema
from zoo.__main__ import main
from zoo.errors import BrokenSpecialist
from zoo.extractor import _values
from zoo.form import TYPES, Form
from zoo.guide import Guide
from zoo.record_grammar import record_automaton

FIELDS: dict[str, dict[str, Any]] = {
    "law": {"type": "text"},
    "sum": {"type": "number", "required": True},
    "day": {"type": "date", "values": ["perpetual"]},
    "kinds": {"type": "choice", "values": ["a", "bé"], "many": True},
    "term": {"type": "duration"},
    "free": {"type": "boolean", "required": True},
    "names": {"type": "quote", "many": True, "required": True},
}
GIVEN = {**PROMPT_JSON, "fields": FIELDS, "max_new_tokens": 120}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("extractor") / "e", FIELDS)


def make(folder: Path, fields: dict[str, Any], labels: tuple[str, ...] = (), **changes: Any) -> Path:
    prompt = {**GIVEN, "fields": fields}
    return tiny_causal.make(
        folder, after={}, prompt=prompt, kind="extraction", labels=labels or tuple(fields), **changes
    )


def schema(fields: dict[str, Any]) -> dict[str, Any]:
    return record_schema({name: Field(definition="x", **one) for name, one in fields.items()})


def test_a_record_fits_its_fields_and_has_a_score_a_field(folder: Path) -> None:
    extractor = zoo.load(folder)
    assert isinstance(extractor, zoo.Extractor)
    said = extractor.predict("law and order")
    jsonschema.validate(said.values, schema(FIELDS))
    assert list(said.scores) == list(FIELDS) and all(0 < score <= 1 for score in said.scores.values())
    assert extractor.predict(["law and order", "x"])[0] == said and said.unsure is not said.complete


def write(guide: Guide, random: np.random.Generator, most: int, sharp: float) -> tuple[bytes, int]:
    """A record written by a model that says something at random; and how many tokens it took."""
    written, state = guide.forced(0)
    written = list(written)
    size = tiny_causal.tokenizer().get_vocab_size()
    while not guide.ended(state):
        logits = (sharp * random.normal(size=size)).astype(np.float32)
        token, state, _ = guide.choose(logits, state, short=len(written) >= most)
        ids, state = guide.forced(state)
        written += [token, *ids]
    return guide.said(written), len(written)


NAMES = st.text(st.characters(codec="utf-8", exclude_categories=["C"]), min_size=1)
SIMPLE = st.fixed_dictionaries(
    {"type": st.sampled_from(TYPES), "required": st.booleans(), "many": st.booleans()},
)


@settings(max_examples=60)
@given(
    forms=st.dictionaries(NAMES, SIMPLE, min_size=1, max_size=4),
    seed=st.integers(0, 2**32 - 1),
    most=st.integers(0, 60),
)
def test_whatever_a_model_says_the_record_parses_and_fits(forms: dict[str, Any], seed: int, most: int) -> None:
    for form in forms.values():
        form["many"] = form["many"] and form["type"] != "boolean"
        form["values"] = ["yes", 'no "way"', "é"] if form["type"] == "choice" else []
    guide = Guide(
        record_automaton({name: Form.of(name, form) for name, form in forms.items()}), tiny_causal.tokenizer()
    )
    said, count = write(guide, np.random.default_rng(seed), most, 1.0)
    assert list(json.loads(said)) == list(forms)
    assert json.dumps(json.loads(said), ensure_ascii=False).encode() == said or "number" in str(forms)
    jsonschema.validate(_values(said), schema(forms))
    assert count <= most + len(said) and all(
        value == value.strip() != "" for value in _values(said).values() if isinstance(value, str)
    )


def test_any_record_of_the_fields_can_be_written() -> None:
    machine = record_automaton({name: Form.of(name, one) for name, one in FIELDS.items()})
    record = {
        "law": 'Østfold\n "quoted" \\ – “x”',
        "sum": -12.5,
        "day": "2003-05-XX",
        "kinds": ["bé", "a"],
        "term": "P60D",
        "free": False,
        "names": ["A, Inc.", "株式会社"],
    }
    absent = {**record, "law": None, "day": "perpetual", "kinds": None, "term": None}
    for one in (record, absent):
        assert machine.ends[machine.after(0, json.dumps(one, ensure_ascii=False).encode())]
    for bad in ({"sum": None}, {"day": "2003-13-01"}, {"law": " "}, {"law": "\u2003"}, {"names": []}, {"free": "true"}):
        assert machine.after(0, json.dumps({**record, **bad}, ensure_ascii=False).encode()) == -1


@pytest.mark.parametrize(
    ("fields", "labels", "said"),
    [
        ({"law": {"type": "poem"}}, (), "type 'poem'"),
        ({"law": {"type": "choice"}}, (), "without values"),
        ({"law": {"type": "text"}}, ("other",), "the manifest other"),
    ],
)
def test_fields_it_can_not_write_are_told(tmp_path: Path, fields: Any, labels: Any, said: str) -> None:
    with pytest.raises(BrokenSpecialist, match=said):
        zoo.load(make(tmp_path / "bad", fields, labels))


def test_predict_prints_columns_or_json(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = zoo.load(folder).predict("law")
    assert main(["predict", str(folder), "law"]) == 0
    record, score, sure, text = capsys.readouterr().out.rstrip("\n").split("\t")
    assert json.loads(record) == said.values and (score, text) == (f"{said.score:.4f}", "law")
    assert sure == ("unsure" if said.unsure else "no promise")
    assert main(["predict", str(folder), "law", "--jsonl"]) == 0
    assert json.loads(capsys.readouterr().out) == {"text": "law", **vars(said)}
