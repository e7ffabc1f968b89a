"""What of a reply, or of a function's value, is an answer of a kind; and what follows of two that answer."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
import tiny
from hypothesis import given
from hypothesis import strategies as st

import zoo
from zoo.decision import Marks
from zoo.form import Form
from zoo.kinds import Answers, Kind, Labels, Records, Spans, Unusable

LABELS = tiny.LABELS
TEXT = "Lithium, then more lithium, was given to Ada Lind for mania."
SPANS = Spans(("Chemical", "Disease"))
RECORDS = Records({"who": Form("quote"), "day": Form("date"), "sums": Form("number", many=True)})
WORDS = Answers(("answer",))


def label_of(labels: tuple[str, ...], reply: str) -> str | None:
    try:
        return Labels(labels).read("x", reply).label
    except Unusable:
        return None


@pytest.mark.parametrize(
    ("reply", "label"),
    [
        ("positive", "positive"),
        (" Positive.\n", "positive"),
        ('"positive"', "positive"),
        ("**positive**", "positive"),
        ("Label: positive", "positive"),
        ("The answer is: Positive", "positive"),
        ("<think>negative or neutral?</think>\npositive", "positive"),
        ("It went up, so:\n\npositive", "positive"),
        ("not positive", None),
        ("positive or neutral", None),
        ("The label is not positive", None),
        ("positively", None),
        ("", None),
        ("<think>positive", None),
    ],
)
def test_a_reply_is_a_label_and_nothing_else(reply: str, label: str | None) -> None:
    assert label_of(LABELS, reply) == label


def test_labels_that_differ_by_case_are_kept_apart() -> None:
    found = [label_of(("IT", "it", "The code is"), reply) for reply in ("IT", "it", "It", "the code is")]
    assert found == ["IT", "it", None, "The code is"]


@given(st.text(max_size=60))
def test_whatever_is_replied_nothing_but_a_label_comes_of_it(reply: str) -> None:
    found = label_of(LABELS, reply)
    assert found is None or (found in LABELS and found in reply.casefold())


def said(*claims: tuple[str, str]) -> str:
    return json.dumps({"spans": [{"text": text, "type": label} for text, label in claims]})


def places(found: Marks) -> list[tuple[str, int, int]]:
    assert all(TEXT[one.start : one.end] == one.text for one in found.spans)
    return [(one.label, one.start, one.end) for one in found.spans]


@pytest.mark.parametrize(
    ("reply", "found"),
    [
        (said(("lithium", "Chemical")), [("Chemical", 19, 26)]),
        (said(("mania", "Disease"), ("Lithium", "Chemical")), [("Chemical", 0, 7), ("Disease", 54, 59)]),
        (said(("mania", "Disease"), ("gold", "Chemical"), ("Ada", "Person")), [("Disease", 54, 59)]),
        (f"<think>{{}}</think>```json\n{said(('mania', 'Disease'))}\n```", [("Disease", 54, 59)]),
        (said(), []),
    ],
)
def test_claims_are_sought_in_the_text(reply: str, found: list[tuple[str, int, int]]) -> None:
    assert places(SPANS.read(TEXT, reply)) == found


@pytest.mark.parametrize(
    ("kind", "reply", "says"),
    [
        (SPANS, "Lithium is a chemical.", "not JSON"),
        (SPANS, said(("lithium", "Chemical"))[:-2], "not JSON"),
        (SPANS, '{"spans": [{"text": "mania"}]}', "not all are claims"),
        (SPANS, '{"found": []}', "no list named spans"),
        (SPANS, said(("gold", "Chemical")), "nothing claimed holds: not in the text"),
        (SPANS, said(("mania", "Person")), "nothing claimed holds: unknown type"),
        (RECORDS, "Ada Lind", "not JSON"),
        (RECORDS, '{"who": {"first": "Ada"}}', "no record"),
        (RECORDS, '{"who": "Boris"}', "not in the text: who"),
        (RECORDS, '{"who": "Ada Lind", "day": "soon"}', "not by the schema: day"),
        (RECORDS, '{"where": "here"}', "unknown field"),
        (WORDS, "Take it at night.", "not JSON"),
        (WORDS, '{"answer": " "}', "no answer"),
        (WORDS, '{"answer": 3}', "no answer"),
        (WORDS, '{"answer": "a\\u0000"}', "no answer"),
        (WORDS, "[" * 100_000, "not JSON"),
        (WORDS, "[1]", "no answer"),
    ],
)
def test_a_reply_that_is_no_answer_says_why(kind: Kind[Any], reply: str, says: str) -> None:
    with pytest.raises(Unusable, match=says):
        kind.read(TEXT, reply)


def test_a_record_takes_its_one_form() -> None:
    reply = 'Here it is: {"day": "2021-05-XX", "who": "ada  lind", "sums": [2.0, 1], "none": null}'
    with pytest.raises(Unusable, match="not in the text"):
        RECORDS.read(TEXT, reply.replace("ada  lind", "ad lind"))
    found = RECORDS.read(TEXT, reply)
    assert list(found.values.items()) == [("who", "Ada Lind"), ("day", "2021-05-XX"), ("sums", [1, 2])]
    assert RECORDS.take(TEXT, {"who": "Ada Lind", "day": None}).values == {"who": "Ada Lind"}


def test_words_are_folded() -> None:
    assert WORDS.read(TEXT, '{"answer": " Is it\\n safe? "}').text == WORDS.take(TEXT, "Is it safe?").text


@pytest.mark.parametrize(
    ("kind", "value", "says"),
    [
        (Labels(LABELS), "odd", "not one of the labels"),
        (Labels(LABELS), ["positive"], "not one of the labels"),
        (SPANS, "mania", "no spans"),
        (SPANS, 3, "no spans"),
        (SPANS, {"label": "Disease", "start": 54, "end": 59}, "no spans"),
        (SPANS, ["mania"], "no span"),
        (SPANS, [{"label": "Person", "start": 0, "end": 3}], "no span of the text"),
        (SPANS, [{"label": "Disease", "start": 54, "end": 600}], "no span of the text"),
        (SPANS, [zoo.Mark("Disease", 0, 5, ""), zoo.Mark("Chemical", 4, 9, "")], "overlap"),
        (RECORDS, [("who", "Ada")], "no record"),
        (RECORDS, {"who": "Boris"}, "not in the text"),
        (WORDS, None, "no answer"),
    ],
)
def test_a_value_that_is_no_answer_says_why(kind: Kind[Any], value: Any, says: str) -> None:
    with pytest.raises(Unusable, match=says):
        kind.take(TEXT, value)


def test_what_is_sure_stays_and_what_touches_none_of_it_comes_to_it() -> None:
    own = [zoo.Span("Chemical", 0, 7, "Lithium", 0.9, False), zoo.Span("Disease", 41, 49, "Ada Lind", 0.4, True)]
    tier = SPANS.read(TEXT, said(("Lithium, then", "Disease"), ("mania", "Disease"), ("lithium", "Chemical")))
    joined = SPANS.joined(own, tier, None)
    assert places(joined) == [("Chemical", 0, 7), ("Chemical", 19, 26), ("Disease", 54, 59)]
    assert joined.spans[0] is own[0] and not isinstance(joined.spans[1], zoo.Span)
    assert places(SPANS.joined(own, tier, 0.95)) == [("Disease", 0, 13), ("Chemical", 19, 26), ("Disease", 54, 59)]


@given(
    st.lists(st.tuples(st.integers(0, 50), st.integers(1, 9), st.booleans()), max_size=5),
    st.lists(st.tuples(st.integers(0, 50), st.integers(1, 9)), max_size=5),
)
def test_joined_spans_never_overlap(own: list[tuple[int, int, bool]], theirs: list[tuple[int, int]]) -> None:
    def apart(some: list[Any]) -> list[Any]:
        kept: list[Any] = []
        for one in sorted(some, key=lambda one: one.start):
            if not kept or kept[-1].end <= one.start:
                kept.append(one)
        return kept

    text = "x" * 60
    first = apart([zoo.Span("Chemical", at, at + long, text[:long], 0.5, doubt) for at, long, doubt in own])
    second = SPANS.take(text, apart([zoo.Mark("Disease", at, at + long, text[:long]) for at, long in theirs]))
    joined = SPANS.joined(first, second, None).spans
    assert all(one.end <= other.start for one, other in pairwise(joined))
    assert {one for one in first if not one.unsure} <= set(joined)


@given(st.text(max_size=80) | st.recursive(st.none() | st.text() | st.integers(), st.lists).map(json.dumps))
def test_whatever_is_replied_it_is_an_answer_or_says_why_not(reply: str) -> None:
    for kind in (SPANS, RECORDS, WORDS):
        try:
            kind.read(TEXT, reply)
        except Unusable as error:
            assert str(error).isprintable()
