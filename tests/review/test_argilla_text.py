"""Texts on their way to Argilla's pages and back: what a browser makes of them, and where it counts marks."""

from __future__ import annotations

import html

from hypothesis import given
from hypothesis import strategies as st

from factory.review import argilla_text
from factory.row import row_id

texts = st.text(st.sampled_from("ab &<>;#'\"/\r\n😀𝔸é\u200d") | st.characters(exclude_categories=["Cs"]), max_size=40)
pieces = st.lists(st.sampled_from(["&amp;", "&lt", "<b>", "</b>", "<img src=x>", "R&D", "😀", " ", "\r\n", "a"]))
texts |= pieces.map("".join)


def displayed(field: str) -> str:
    """A browser's text of what is put down as HTML without tags."""
    assert "<" not in field and ">" not in field
    return html.unescape(field.replace("\r\n", "\n").replace("\r", "\n"))


def javascript(text: str, start: int, end: int) -> str:
    """`text.slice(start, end)`."""
    return text.encode("utf-16-le")[2 * start : 2 * end].decode("utf-16-le")


@given(texts, st.booleans())
def test_a_text_is_displayed_as_it_is_and_comes_back(text: str, marked: bool) -> None:
    field = argilla_text.sent(text, marked)
    seen = displayed(field)
    assert seen.startswith(text) and not seen.removeprefix(text).strip(" ")
    assert marked or seen == text
    assert argilla_text.read(field, row_id(text), marked) == text
    assert argilla_text.sent(argilla_text.read(field, row_id(text), marked), marked) == field


@given(texts, st.booleans())
def test_what_was_sent_before_texts_were_escaped_is_told(text: str, marked: bool) -> None:
    assert argilla_text.read(text, row_id(text), marked) == text


@given(texts.filter(bool), st.data())
def test_marks_cover_the_same_words_on_both_sides(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    field = argilla_text.sent(text, True)
    there, until = argilla_text.units(text, start), argilla_text.units(text, end)
    assert javascript(displayed(field), there, until) == text[start:end]
    assert there < len(field) and until <= len(field)  # what the server takes
    assert (argilla_text.points(text, there), argilla_text.points(text, until)) == (start, end)


@given(texts, st.integers(0, 100))
def test_any_place_on_a_page_is_one_in_the_text(text: str, at: int) -> None:
    place = argilla_text.points(text, at)
    assert 0 <= place <= len(text)
    assert argilla_text.units(text, place) <= at
    assert place == len(text) or argilla_text.units(text, place + 1) > at
