"""Rows keep everything on their way through files; gold rows are believed only as far as they are sound."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from factory.errors import DataError
from factory.row import Lineage, Row, Span, Verdict, read_gold, read_rows, row_id, write_rows

words = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)
lineages = st.builds(
    Lineage, spec=words, cell=words, source=words, prompt=words, reply=words, teacher=words,
    reviewers=st.lists(words, max_size=2), was=st.none() | words,
)  # fmt: skip
spans = st.lists(
    st.builds(lambda start, length, label: Span(start=start, end=start + length, label=label), st.integers(0, 9),
              st.integers(1, 9), words), max_size=3,
).map(tuple)  # fmt: skip
decided = {
    "text": words,
    "soft": st.none() | st.dictionaries(words, st.floats(0, 1), max_size=3),
    "weight": st.floats(0, 1),
    "origin": st.sampled_from(["generated", "unlabelled", "reviewed", "example"]),
    "attributes": st.dictionaries(words, words, max_size=2),
    "lineage": lineages,
    "verdicts": st.lists(
        st.builds(
            Verdict,
            check=words,
            passed=st.booleans(),
            score=st.none() | st.floats(allow_nan=False, allow_infinity=False),
            reason=words,
        ),
        max_size=2,
    ),
}
rows = st.builds(Row, label=words.filter(bool), **decided) | st.builds(Row, spans=spans, **decided)


@given(found=st.lists(rows, max_size=4))
def test_rows_come_back_as_they_went(found: list[Row], tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.getbasetemp() / "rows.jsonl"
    assert write_rows(path, found) == len(found)
    assert read_rows(path) == found


@given(rows, rows)
def test_the_id_is_the_text_and_nothing_else(one: Row, two: Row) -> None:
    assert (one.id == two.id) == (one.text == two.text)
    assert one.id == two.model_copy(update={"text": one.text}).id == row_id(one.text)
    assert len(one.id) == 16


def test_an_id_in_a_file_is_not_believed() -> None:
    row = Row(text="a text", label="x", origin="example", lineage=Lineage(spec="s"))
    assert Row.from_json({**row.to_json(), "id": "0" * 16}).id == row.id


def test_a_row_without_soft_labels_is_sure_of_its_label() -> None:
    row = Row(text="t", label="x", origin="example", lineage=Lineage(spec="s"))
    assert row.distribution() == {"x": 1.0}
    assert row.model_copy(update={"soft": {"x": 0.4, "y": 0.6}}).distribution() == {"x": 0.4, "y": 0.6}


@pytest.mark.parametrize(
    "change",
    [
        {"weight": 1.1}, {"origin": "stolen"}, {"colour": "red"}, {"text": None}, {"label": ""}, {"spans": []},
        {"label": "", "spans": [{"start": 2, "end": 2, "label": "x"}]},
    ],
)  # fmt: skip
def test_what_is_no_row_is_refused(change: dict[str, Any]) -> None:
    row = Row(text="t", label="x", origin="example", lineage=Lineage(spec="s")).to_json()
    with pytest.raises(ValidationError):
        Row.from_json({**row, **change})


@pytest.mark.parametrize(
    ("lines", "said", "line"),
    [
        ([{"id": "1", "text": "a", "label": "x"}, {"id": "2", "text": "", "label": "x"}], "lacks text", ":2"),
        ([{"id": "1", "label": 3}], "lacks text, label", ":1"),
        ([{"id": "1", "text": "a", "label": "z"}], "label 'z', which the spec does not declare", ":1"),
        ([], "empty", ""),
    ],
)
def test_gold_rows_that_cannot_be_used_are_named(
    tmp_path: Path, lines: list[dict[str, Any]], said: str, line: str
) -> None:
    path = tmp_path / "validation.jsonl"
    path.write_text("".join(json.dumps(value) + "\n" for value in lines))
    with pytest.raises(DataError, match=said) as caught:
        read_gold(path, ["x", "y"])
    assert caught.value.where == f"{path}{line}"


def test_gold_rows_may_hold_more_than_is_needed(tmp_path: Path) -> None:
    path = tmp_path / "validation.jsonl"
    path.write_text('{"id": "7", "text": "a", "label": "x", "origin": "elsewhere"}\n')
    assert [(gold.id, gold.text, gold.label) for gold in read_gold(path, ["x"])] == [("7", "a", "x")]
