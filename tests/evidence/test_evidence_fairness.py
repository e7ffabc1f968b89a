"""Texts as they were of others: what is replaced, that answers find back to the text before, and what is measured."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory.evidence import fairness
from factory.evidence.circumstances import Circumstances
from factory.evidence.counterfactual import concerns, expected, settled, swap
from factory.evidence.decision import Decision, Known, Worded
from factory.evidence.predictions import answers
from factory.row import Gold, Span

GENDER = {"men": ["he", "his", "him", "uncle", "mr"], "women": ["she", "her", "her", "aunt", "mrs"]}
WORDS = st.sampled_from([*GENDER["men"], *GENDER["women"], "They", "saw", "HIM", "Her", ",", "there"])


def test_words_are_replaced_whole_and_large_letters_stay() -> None:
    said = swap("She told HER uncle, Mr Hershey, that he was there.", GENDER, "men").text
    assert said == "He told HIS uncle, Mr Hershey, that he was there."
    assert swap(said, GENDER, "women").text == "She told HER aunt, Mrs Hershey, that she was there."


@given(st.lists(WORDS, min_size=1, max_size=12))
def test_a_place_finds_back_to_where_it_was(words: list[str]) -> None:
    text = " ".join(words)
    swapped = swap(text, GENDER, "women")
    then, now = 0, 0
    for old, new in zip(words, swapped.text.split(" "), strict=True):
        assert (new == old) or (old.lower() in GENDER["men"] and new.lower() in GENDER["women"])
        assert (swapped.before(now), swapped.before(now + len(new), end=True)) == (then, then + len(old))
        then, now = then + len(old) + 1, now + len(new) + 1
    assert swap(swapped.text, GENDER, "women").text == swapped.text


def test_a_span_that_begins_within_a_word_that_was_replaced_begins_with_it() -> None:
    swapped = swap("my uncle Bob", GENDER, "women")
    assert swapped.text == "my aunt Bob"
    found = (Span(start=5, end=11, label="name"), Span(start=0, end=5, label="other"))
    assert settled(found, (), swapped, GENDER) == (
        Span(start=3, end=12, label="name"), Span(start=0, end=8, label="other"),
    )  # fmt: skip


def test_texts_of_whose_answer_the_words_are_a_part_are_left_out() -> None:
    text = "Mr Smith saw his doctor"
    assert concerns(text, "label", GENDER) and not concerns("Smith saw a doctor", "label", GENDER)
    assert concerns(text, (Span(start=17, end=23, label="who"),), GENDER)
    assert not concerns(text, (Span(start=0, end=8, label="who"),), GENDER)
    assert concerns(text, Known(record={"name": "Smith"}), GENDER)
    assert not concerns(text, Known(record={"name": "Mr Smith"}), GENDER)
    assert not concerns(text, Known(record={"names": ["Jones", "Mr Smith"]}), GENDER)


def test_words_of_ones_own_are_compared_whomever_they_name() -> None:
    gold = Worded(answer="Can my aunt take it?")
    assert expected(gold, GENDER) == Worded(answer="Can my uncle take it?")
    swapped = swap("My aunt asks", GENDER, "men")
    assert settled("Can my aunt take it?", gold, swapped, GENDER) == "Can my uncle take it?"
    assert settled("her", "his", swapped, GENDER) == "her"  # a label is no word


def rows() -> list[Gold]:
    texts = [f"{'He' if place % 2 else 'Her'} number {place}" for place in range(40)] + ["nobody here"] * 20
    return [Gold(id=f"g{place}", text=text, label="ab"[place % 2]) for place, text in enumerate(texts)]


def test_who_hears_women_less_is_found_out_and_who_does_not_is_not() -> None:
    gold = rows()
    untouched = answers("student:int8", gold, [row.label for row in gold])

    def answered(text: str, deaf: bool) -> Decision:
        number = int(text.split()[-1])
        return "a" if deaf and text.startswith("She") and number < 20 else "ab"[number % 2]

    for deaf in (True, False):
        (one,) = fairness.measure(
            lambda texts, deaf=deaf: [answered(text, deaf) for text in texts],  # type: ignore[misc]
            untouched, gold, {"gender": GENDER}, 0, "accuracy", Circumstances(),
        )  # fmt: skip
        assert (one.probe, one.group, one.beside, one.n, one.few) == ("gender", "women", "men", 40, False)
        assert (one.other, one.sample) == (1.0, "of 40 rows that name any of them")
        assert one.value == (0.75 if deaf else 1.0) and one.changed == (0.25 if deaf else 0.0)
        assert one.low is not None and one.high is not None
        assert one.low < -0.25 < one.high < 0 if deaf else (one.low, one.high) == (0, 0)


def test_where_no_text_names_anybody_nothing_is_asked_and_that_is_said() -> None:
    gold = rows()[40:]
    untouched = answers("student:int8", gold, [row.label for row in gold])
    (one,) = fairness.measure(
        lambda texts: pytest.fail("asked"), untouched, gold, {"gender": GENDER}, 0, "accuracy", Circumstances()
    )
    assert (one.n, one.value, one.changed, one.few) == (0, None, None, True)
