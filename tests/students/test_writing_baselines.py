"""What a student that writes must beat: nearest rows, known values, and the text's own sentences."""

from __future__ import annotations

import pytest

from factory.row import Lineage, Row
from factory.spec_field import Field
from factory.students.nearest import nearest
from factory.students.record_baselines import Frequent, nearest_records
from factory.students.word_baselines import lead, question, sentences
from tests import registry

FIELDS = {name: Field.model_validate(one) for name, one in registry.FIELDS.items()}


def row(text: str, **how: object) -> Row:
    return Row.model_validate({"text": text, "origin": "reviewed", "lineage": Lineage(spec="s"), **how})


def read(fields: str, number: int) -> Row:
    text, record = registry.sample(fields, number)
    return row(text, record=record)


ROWS = [read(registry.STRATA[number % len(registry.STRATA)], number) for number in range(64)]


def test_the_nearest_row_shares_the_most_telling_words() -> None:
    rows = [row("the cat sat", label="a"), row("the tram to the harbour", label="b"), row("a dog", label="c")]
    assert [one.label for one in nearest(rows, ["which tram is it?", "my cat", "zzz"])] == ["b", "a", "a"]


def test_the_nearest_record_keeps_no_quotation_that_is_not_there() -> None:
    rows = [row("Ada Lind keeps it for good", record={"borrower": ["Ada Lind"], "due": "never"})]
    there, gone = nearest_records(FIELDS, rows, ["Ada Lind keeps it", "Bo Lund keeps it for good"])
    assert there == {"borrower": ["Ada Lind"], "due": "never"} and gone == {"due": "never"}


def test_known_values_are_found_where_words_tell_that_a_field_is_there() -> None:
    frequent = Frequent(FIELDS, ROWS)
    texts = [one.text for one in ROWS]
    found = frequent.predict(texts)
    assert sum(set(said) == set(one.record or {}) for said, one in zip(found, ROWS, strict=True)) > 50
    for said, one in zip(found, ROWS, strict=True):
        assert all(name in one.text for name in said.get("borrower", []))  # type: ignore[union-attr]
        assert said.get("borrower", []) == (one.record or {}).get("borrower", []) or not said.get("borrower")
    unknown = frequent.predict(["Zoe Nobody has the book until it is due on 3 May 2001, they say"])[0]
    assert "borrower" not in unknown


def test_fields_that_nobody_spoke_of_teach_nothing() -> None:
    told = [row(f"it stands on the shelf {n}", record={"shelf": "cellar"}, attributes={"told": "shelf"}) for n in "ab"]
    assert Frequent(FIELDS, told).predict(["a shelf"]) == [{"shelf": "cellar"}]


@pytest.mark.parametrize(
    ("text", "lines", "asked"),
    [
        ("Hello. Can I eat it? Or may I drink this tea? Thanks.", 4, "Or may I drink this tea?"),
        ("SUBJECT: tea\nMESSAGE: I like it", 2, "SUBJECT: tea"),
        ("Why?\n\nNo.", 2, "Why?"),
        ("", 0, ""),
    ],
)
def test_a_text_offers_its_longest_question(text: str, lines: int, asked: str) -> None:
    assert len(sentences(text)) == lines and question(text) == asked


def test_the_lead_is_the_first_words() -> None:
    assert lead(" one two\nthree four ", 3) == "one two three" and lead("one", 3) == "one"
