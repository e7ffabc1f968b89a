"""Answers in words: their one form, how alike two are, and what of them does not stand in the text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory.wording import copied, foreign, middle, rouge_l, settle

WORDS = st.lists(st.sampled_from(["a", "b", "c", "d", "e"]), max_size=9).map(" ".join)


@pytest.mark.parametrize(
    ("one", "other", "score"),
    [
        ("police killed the gunman", "police kill the gunman", 0.75),  # Lin 2004, section 3
        ("police killed the gunman", "the gunman kill police", 0.5),
        ("What causes gout?", "what CAUSES  gout", 1.0),
        ("What causes gout?", "Nothing at all", 0.0),
        ("", "", 1.0),
        ("", "gout", 0.0),
    ],
)
def test_rouge_l_is_that_of_its_paper(one: str, other: str, score: float) -> None:
    assert rouge_l(one, other) == pytest.approx(score)


@given(WORDS, WORDS)
def test_rouge_l_is_symmetric_and_one_for_the_same(one: str, other: str) -> None:
    assert rouge_l(one, other) == rouge_l(other, one)
    assert (rouge_l(one, other) == 1.0) == (one == other)


@given(WORDS, WORDS, WORDS)
def test_a_piece_of_the_text_is_a_copy(before: str, piece: str, after: str) -> None:
    assert copied(f"{before} {piece} {after}", piece) == (1.0 if piece else 0.0)
    assert copied(before, f"{piece} x {after}") < 1.0


def test_a_copy_is_counted_by_its_longest_run() -> None:
    assert copied("The doctor says I have gout since spring", "Do I have gout since spring?") == pytest.approx(5 / 6)
    assert copied("gout have I", "I have gout") == pytest.approx(1 / 3)


@pytest.mark.parametrize(
    ("text", "answer", "strange", "there"),
    [
        ("I take 5 mg of Lovasa", "What does 5 mg of Lovaza do?", [], 2),
        ("I take 5 mg", "What does 50 mg do?", ["50"], 1),
        ("amlodipine5mgs helps", "How does Amlodipine help?", [], 1),
        ("I live in leeds", "Who treats gout in Leeds or Paris?", ["Paris"], 2),
        ("gout", "Gout hurts. Medicine helps. I know.", [], 0),
        ("it hurts", "How is Ewing's sarcoma treated?", ["Ewing's"], 1),
        ("ewings sarcoma", "How is Ewing's sarcoma treated?", [], 1),
        ("", "", [], 0),
    ],
)
def test_numbers_and_names_must_stand_in_the_text(text: str, answer: str, strange: list[str], there: int) -> None:
    assert foreign(text, answer) == (strange, there)


def test_where_every_noun_is_a_name_names_are_not_looked_for() -> None:
    assert foreign("Mein Knie", "Was hilft gegen Gicht?", "de") == ([], 0)
    assert foreign("Mein Knie", "Was hilft gegen 3 Gichten?", "de") == (["3"], 1)


@given(st.text(), st.text())
def test_any_text_and_answer_can_be_compared(text: str, answer: str) -> None:
    strange, there = foreign(text, answer)
    assert len(strange) <= there
    assert 0.0 <= copied(text, answer) <= 1.0 and 0.0 <= rouge_l(text, answer) <= 1.0
    assert settle(settle(answer)) == settle(answer)


def test_the_answer_that_most_agree_with_is_taken() -> None:
    assert middle(["a b c", "x y z", "a b d"]) == (0, pytest.approx(2 / 9))
    assert middle(["x y z", "a b c", "a b c d"])[0] == 1
    assert middle(["alone"]) == (0, 1.0)


@given(st.lists(WORDS, min_size=1, max_size=5))
def test_the_middle_does_not_depend_on_the_order(answers: list[str]) -> None:
    place, agreement = middle(answers)
    again, same = middle(sorted(answers))
    assert agreement == pytest.approx(same) and 0.0 <= agreement <= 1.0

    def mean(answer: str) -> float:
        return sum(rouge_l(answer, other) for other in answers)

    assert mean(answers[place]) == pytest.approx(mean(sorted(answers)[again]))


def test_an_answer_has_one_form() -> None:
    assert settle("  What\n causes  it? ") == "What causes it?"
    assert settle("a\x00b") == settle("\ud800") == settle(" \n") == ""
