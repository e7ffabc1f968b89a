"""Perturbed texts keep what the decision rests on, and cost what they cost."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory.evidence import robustness
from factory.evidence.circumstances import Circumstances
from factory.evidence.decision import Known, Worded
from factory.evidence.perturb import RATE, SAID, mistyped, perturbed, unpunctuated
from factory.evidence.predictions import answers
from factory.row import Gold, Span

TEXT = "Metoclopramide, a commonly used antiemetic (3.5 mg), hasn't helped; nothing else was prescribed."


def free(place: int) -> bool:
    return False


@given(st.text(max_size=60), st.integers(0, 59), st.integers(0, 59), st.integers(0, 99))
def test_spans_stay_where_they_are_and_as_they_were_typed(text: str, one: int, other: int, seed: int) -> None:
    start, end = sorted((one, other))
    spans = (Span(start=start, end=end, label="A"),) if start < end <= len(text) else ()
    found = perturbed(text, spans, seed)
    assert set(found) == set(SAID)
    for name, said in found.items():
        assert len(said) == len(text)
        if name in ("typos", "no punctuation"):
            assert all(said[span.start : span.end] == text[span.start : span.end] for span in spans)


def test_marks_at_the_ends_of_words_go_and_those_within_stay() -> None:
    assert unpunctuated(TEXT, free).split() == [
        "Metoclopramide", "a", "commonly", "used", "antiemetic", "3.5", "mg", "hasn't", "helped", "nothing", "else",
        "was", "prescribed",
    ]  # fmt: skip


def test_about_so_many_letters_are_mistyped_as_was_said_and_the_same_each_time() -> None:
    text = "abcdefghijklmnopqrstuvwxyz" * 100
    said = mistyped(text, random.Random(3), free, drops=False)
    moved = sum(one != other for one, other in zip(text, said, strict=True))
    assert 0.8 * RATE < moved / 2 / len(text) < 1.2 * RATE
    assert sorted(said) == sorted(text)
    dropped = mistyped(text, random.Random(3), free, drops=True)
    assert 0.3 * RATE < (len(text) - len(dropped)) / len(text) < 0.7 * RATE
    assert perturbed(TEXT * 4, "label", 13) == perturbed(TEXT * 4, "label", 13)
    assert perturbed(TEXT * 4, "label", 13)["typos"] != perturbed(TEXT * 4, "label", 14)["typos"]


def test_a_record_s_values_are_never_misspelt() -> None:
    assert "typos" not in perturbed(TEXT, Known(record={"drug": "Metoclopramide"}), 13)
    assert "typos" in perturbed(TEXT, Worded(answer="It did not help."), 13)


def test_letters_that_would_become_two_stay() -> None:
    assert perturbed("groß", "label", 13)["upper case"] == "GROß"


def test_what_it_costs_is_paired_and_says_how_it_was_done() -> None:
    gold = [Gold(id=f"g{place}", text=f"word {place}, and more", label="ab"[place % 2]) for place in range(80)]
    untouched = answers("student:int8", gold, [row.label for row in gold])

    def deaf_to_capitals(texts: list[str]) -> list[str]:
        return ["a" if text.isupper() else "ab"[int(text.split()[1].rstrip(",")) % 2] for text in texts]

    found = {
        one.perturbation: one
        for one in robustness.measure(deaf_to_capitals, untouched, gold, 40, "accuracy", Circumstances())
    }
    assert set(found) == set(SAID)
    capitals = found["upper case"]
    assert (capitals.untouched, capitals.value, capitals.difference) == (1.0, 0.5, -0.5)
    assert capitals.low < -0.5 < capitals.high < 0 and capitals.touched == capitals.n == 40
    assert capitals.sample == "stratified 40 of 80, seed 13"
    small = found["lower case"]
    assert (small.difference, small.low, small.high, small.touched) == (0.0, 0.0, 0.0, 0)
    assert "seed 13" in found["typos"].how
    with pytest.raises(KeyError):
        robustness.measure(deaf_to_capitals, untouched.on(["g0"]), gold, 40, "accuracy", Circumstances())


def test_other_words_are_beside_the_same_texts_as_they_are() -> None:
    gold = [Gold(id=f"g{place}", text=f"word {place}", label="ab"[place % 2]) for place in range(40)]
    untouched = answers("student:int8", gold, [row.label for row in gold])
    texts = {f"g{place}": f"term {place}" for place in range(20)}

    def hears(said: list[str]) -> list[str]:
        assert said == list(texts.values())
        return ["ab"[int(text.split()[1]) % 2] if int(text.split()[1]) < 15 else "c" for text in said]

    (one,) = robustness.reworded(hears, untouched, texts, 24, "by somebody", "accuracy", Circumstances())
    assert (one.n, one.touched, one.untouched, one.value, one.difference) == (20, 20, 1.0, 0.75, -0.25)
    assert one.low < -0.25 < one.high < 0 and one.sample == "those of 24 that could be said in other words"
    assert robustness.reworded(hears, untouched, {}, 24, "by somebody", "accuracy", Circumstances()) == []
