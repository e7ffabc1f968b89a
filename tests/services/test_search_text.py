from __future__ import annotations

import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory.services.argilla.search.text import fts_match

ROWS = ["refund the card", "the card crashed", "refund crash", "Café refunds"]


def found(query: str) -> set[int]:
    match = fts_match(query)
    if match is None:
        return set()
    with sqlite3.connect(":memory:") as db:
        db.execute("CREATE VIRTUAL TABLE t USING fts5(a, tokenize = 'unicode61 remove_diacritics 2')")
        db.executemany("INSERT INTO t (rowid, a) VALUES (?, ?)", enumerate(ROWS))
        return {row for (row,) in db.execute("SELECT rowid FROM t WHERE t MATCH ?", [match])}


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ("refund", {0, 2}),
        ("refund card", {0}),
        ("refund | crashed", {0, 1, 2}),
        ("refund |crashed", {0, 1, 2}),
        ("refund -card", {2}),
        ("-card", set()),
        ('"refund crash"', {2}),
        ('"crash refund"', set()),
        ("refund*", {0, 2, 3}),
        ("cafe", {3}),
        ("CARD", {0, 1}),
        ("+card +refund", {0}),
        ("", set()),
        ("*", set()),
        ("AND", set()),
        ("a:refund", set()),
    ],
)
def test_queries(query: str, rows: set[int]) -> None:
    assert found(query) == rows


@given(st.text(alphabet=st.one_of(st.characters(), st.sampled_from('"|-+*(): ^~{}NEAR\x00')), max_size=40))
def test_whatever_is_typed_is_a_query_sqlite_understands(query: str) -> None:
    if any("\ud800" <= character <= "\udfff" for character in query):
        return  # no such text can arrive as UTF-8
    found(query)


@given(st.lists(st.from_regex(r"[a-z]{1,8}", fullmatch=True), min_size=1, max_size=4))
def test_plain_words_are_all_asked_for(words: list[str]) -> None:
    match = fts_match(" ".join(words))
    assert match == " AND ".join(f'("{word}")' for word in words)
