"""Spans are made of whole words, tags make sense, and windows leave nothing out, whatever a model says."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

from zoo import decoding
from zoo.windows import Pieces, join, pieces, windows
from zoo.words import inside_a_word

LABELS = ("Food", "Tool")
TAGS = decoding.tags(LABELS)
LETTERS = {letter: place for place, letter in enumerate("abcdefghijklmnopqrstuvwxyz0123456789.,-ßøµ€中文", 4)}


def tokenizer() -> Tokenizer:
    """As MiniLM's: lower case, no accents; every letter is a piece of its own."""
    vocabulary = {"[PAD]": 0, "[UNK]": 1, "[CLS]": 2, "[SEP]": 3, **LETTERS}
    vocabulary |= {f"##{letter}": 100 + place for letter, place in LETTERS.items()}
    made = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    made.normalizer = normalizers.BertNormalizer()
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    made.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    return made


TOKENIZER = tokenizer()
TEXTS = st.one_of(st.text(max_size=40), st.text("ab é\u0301ÅB-.,中 \t\n😀_", max_size=40))


@given(TEXTS, st.integers(0, 2**32 - 1))
def test_spans_stand_where_they_say_and_cut_no_word(text: str, seed: int) -> None:
    cut = pieces(TOKENIZER, text)
    logits = np.random.default_rng(seed).normal(size=(len(cut.ids), len(TAGS))) * 3
    found = decoding.spans(text, cut.places, decoding.softmax(logits, 1.0), LABELS)
    for one in found:
        assert one.label in LABELS and 0 <= one.score <= 1
        assert text[one.start : one.end] and text[one.start : one.end] == text[one.start : one.end].strip()
        assert not inside_a_word(text, one.start) and not inside_a_word(text, one.end)
    assert all(one.end <= other.start for one, other in itertools.pairwise(found))


def sensible(path: tuple[int, ...], starts: list[bool]) -> bool:
    for number, tag in enumerate(path):
        before = path[number - 1] if number else 0
        if tag and tag % 2 == 0 and before not in (tag - 1, tag):
            return False
        if number and not starts[number] and tag != (before and before + before % 2):
            return False
    return True


@given(st.integers(0, 2**32 - 1), st.lists(st.booleans(), max_size=4))
def test_the_likeliest_tags_are_the_best_of_all_that_make_sense(seed: int, more: list[bool]) -> None:
    starts = [True, *more]
    scores = np.random.default_rng(seed).normal(size=(len(starts), len(TAGS)))
    ways = [way for way in itertools.product(range(len(TAGS)), repeat=len(starts)) if sensible(way, starts)]
    best = max(ways, key=lambda way: scores[range(len(way)), list(way)].sum())
    assert decoding.likeliest(scores, starts) == list(best)


def test_a_span_is_as_sure_as_its_least_sure_piece() -> None:
    p = np.full((3, 5), 0.02)
    p[0, 1], p[1, 2], p[2, 0] = 0.9, 0.6, 0.8
    assert decoding.spans("red onion .", [(0, 3), (4, 9), (10, 11)], p, LABELS) == [(0, 9, "Food", 0.6)]


def test_two_spans_side_by_side_stay_two() -> None:
    p = np.full((2, 5), 0.02)
    p[0, 1], p[1, 1] = 0.9, 0.9
    found = decoding.spans("egg honey", [(0, 3), (4, 9)], p, LABELS)
    assert [(one.start, one.end) for one in found] == [(0, 3), (4, 9)]


def test_a_text_without_pieces_has_no_spans() -> None:
    assert decoding.spans("\u200b", [], np.zeros((0, 5)), LABELS) == []


def test_accents_belong_to_their_letter() -> None:
    text = "cafe\u0301 ."
    cut = pieces(TOKENIZER, text)
    p = np.full((len(cut.ids), 5), 0.02)
    p[0, 1], p[1:4, 2], p[4, 0] = 0.9, 0.9, 0.9
    assert [text[one.start : one.end] for one in decoding.spans(text, cut.places, p, LABELS)] == ["cafe\u0301"]


def test_an_accent_apart_from_its_letter_parts_no_word() -> None:
    text = "o bro\u0308nsted"
    cut = pieces(TOKENIZER, text)
    assert decoding.begins(text, cut.places) == [True, True] + [False] * 7


def test_the_bytes_of_one_character_are_one_word() -> None:
    assert decoding.begins("a 🦀", [(0, 1), (2, 3), (2, 3), (2, 3)]) == [True, True, False, False]


@given(st.integers(0, 300), st.integers(3, 40))
def test_every_piece_is_read_once_and_never_at_an_edge_that_has_a_neighbour(count: int, most: int) -> None:
    cut = Pieces(list(range(100, 100 + count)), [(n, n + 1) for n in range(count)], [2], [3])
    found = windows(cut, most)
    assert all(len(one.ids) <= most and one.ids[0] == 2 and one.ids[-1] == 3 for one in found)
    answers = [np.array([[number, place] for place, number in enumerate(one.ids)], np.float32) for one in found]
    joined = join(cut, found, answers)
    assert joined[:, 0].tolist() == cut.ids
    if most >= 11:  # a quarter of the room is two pieces or more
        inner = joined[1:-1, 1] if len(found) > 1 else np.array([2.0])
        assert inner.min() >= 1
    assert len(found) == 1 or count > most - 2


def test_a_short_text_is_one_window() -> None:
    cut = pieces(TOKENIZER, "ab c")
    assert [one.ids for one in windows(cut, 6)] == [[2, LETTERS["a"], 100 + LETTERS["b"], LETTERS["c"], 3]]
    assert cut.places == [(0, 1), (1, 2), (3, 4)]


@pytest.mark.parametrize(
    ("text", "place", "inside"),
    [
        ("ab", 1, True),
        ("a b", 1, False),
        ("中文", 1, False),
        ("o\u0308n", 1, True),
        ("o\u0308n", 2, True),
        ("o\u0308 n", 2, False),
    ],
)
def test_where_a_word_is_not_to_be_cut(text: str, place: int, inside: bool) -> None:
    assert inside_a_word(text, place) is inside
