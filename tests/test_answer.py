"""What people answered in words, as values; gold rows of records, whole and by field."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory.answer import value_of
from factory.errors import DataError
from factory.files import write_jsonl
from factory.record import problem
from factory.row import read_gold
from factory.spec_field import Field
from tests.test_record import FIELDS

DAY, SPELL = FIELDS["due"], FIELDS["loan"]


@pytest.mark.parametrize(
    ("field", "answer", "value"),
    [
        (DAY, "3/9/1987", "1987-03-09"),
        (DAY, "12/31/34", "2034-12-31"),
        (DAY, "9/1/99", "1999-09-01"),
        (DAY, "04/[]/2005", "2005-04-XX"),
        (DAY, "[ ]/[]/2010", "2010-XX-XX"),
        (DAY, "12/01/[]", "XXXX-12-01"),
        (DAY, "Never", "never"),
        (DAY, "2011-05-04", "2011-05-04"),
        (DAY, "[]/[]/[]", None),
        (DAY, "31/01/2025", None),
        (DAY, "02/30/2025", None),
        (DAY, "[]/[]/19[]", None),
        (DAY, "1/1/2019; 2/1/2019", None),
        (SPELL, "successive 5-year terms", "P5Y"),
        (SPELL, "three (3) years", "P3Y"),
        (SPELL, "12 months", "P1Y"),
        (SPELL, "6 weeks", "P6W"),
        (SPELL, "P60D", "P60D"),
        (SPELL, "180 days / 6 months", None),
        (SPELL, "perpetual", None),
        (SPELL, "0 days", None),
        (FIELDS["lost"], "Yes", True),
        (FIELDS["lost"], "perhaps", None),
        (FIELDS["price"], "1,200.50", 1200.5),
        (FIELDS["price"], "nan", None),
        (FIELDS["note"], "  a  b ", "a b"),
        (FIELDS["note"], "[* * *]", None),
        (FIELDS["borrower"], 'Ada Lind ("Borrower"); B (née C), (“B”)', ["Ada Lind", "B (née C)"]),
        (FIELDS["shelf"], "CELLAR", "cellar"),
    ],
)
def test_an_answer_is_a_value_or_none(field: Field, answer: str, value: Any) -> None:
    assert value_of(field, answer) == value


@given(st.sampled_from(list(FIELDS.values())), st.text(max_size=30))
def test_any_answer_is_a_value_by_the_schema_or_none(field: Field, answer: str) -> None:
    value = value_of(field, answer)
    if value is not None:
        free = field.model_copy(update={"type": "text"}) if field.type == "quote" else field
        ordered = sorted(value, key=str) if isinstance(value, list) else value
        assert not problem(
            {"f": free}, "", {"f": list(dict.fromkeys(ordered)) if isinstance(ordered, list) else ordered}
        )


def test_answers_on_one_text_are_one_row_that_tells_of_these_fields(tmp_path: Path) -> None:
    lines = [
        {"id": "1", "text": "ADA LIND, a", "field": "borrower", "answer": 'Ada Lind ("A")'},
        {"id": "2", "text": "b", "field": "due", "answer": "whenever"},
        {"id": "3", "text": "ADA LIND, a", "field": "loan", "answer": "two (2) years"},
        {"id": "4", "text": "c", "field": "due", "answer": "1/2/2003"},
        {"id": "5", "text": "c", "field": "due", "answer": "1/3/2003"},
        {"id": "6", "text": "d", "record": {"loan": "P1Y", "due": None}},
    ]
    write_jsonl(tmp_path / "g.jsonl", lines)
    rows = {row.id: row for row in read_gold(tmp_path / "g.jsonl", FIELDS, "extraction", FIELDS)}
    assert rows["1"].record == {"borrower": ["ADA LIND"], "loan": "P2Y"} and rows["1"].told == ("borrower", "loan")
    assert rows["2"].told == rows["4"].told == (), "unreadable and contradictory answers tell nothing"
    assert rows["6"].record == {"loan": "P1Y"} and rows["6"].told is None


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ({}, "lacks field, answer"),
        ({"field": "colour", "answer": "red"}, "answers for the field 'colour'"),
        ({"record": []}, "it is no flat JSON object"),
        ({"record": {"due": "soon"}}, "record does not hold: not by the schema: due"),
        ({"record": {"borrower": ["X"]}}, "record does not hold: not in the text"),
        ({"record": {}, "text": ""}, "lacks text"),
    ],
)
def test_a_gold_row_that_cannot_be_right_names_its_line(tmp_path: Path, line: dict[str, Any], said: str) -> None:
    write_jsonl(tmp_path / "g.jsonl", [{"id": "1", "text": "a text", **line}])
    with pytest.raises(DataError) as caught:
        read_gold(tmp_path / "g.jsonl", FIELDS, "extraction", FIELDS)
    assert said in str(caught.value) and "g.jsonl:1" in str(caught.value)
