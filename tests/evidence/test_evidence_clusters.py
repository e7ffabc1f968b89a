"""Answers that err together are worth fewer."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory.evidence.clusters import correlation, design_effect

ANSWERS = st.lists(st.tuples(st.booleans(), st.integers(0, 5)), min_size=1, max_size=60)


def test_by_hand() -> None:
    """Two of four texts, of two answers each, are all wrong: alike as can be. One wrong in each: not alike at all."""
    texts = [0, 0, 1, 1, 2, 2, 3, 3]
    assert correlation([1, 1, 1, 1, 0, 0, 0, 0], texts) == 1.0
    assert correlation([1, 0, 1, 0, 1, 0, 1, 0], texts) == 0.0
    assert design_effect(texts, 1.0) == 2.0
    assert design_effect([0, 0, 0, 1], 0.5) == 1 + (10 / 4 - 1) * 0.5


def test_what_was_drawn_alike_is_found_again() -> None:
    """Each answer is its text's with a chance of 1/2, else its own: a correlation of 1/4."""
    rng = np.random.default_rng(1)
    texts = np.repeat(np.arange(20000), 3)
    own, its = rng.random(60000) < 0.1, np.repeat(rng.random(20000) < 0.1, 3)
    wrong = np.where(rng.random(60000) < 0.5, its, own)
    assert correlation(wrong, texts) == pytest.approx(0.25, abs=0.02)


@given(ANSWERS)
def test_it_is_between_one_answer_a_text_and_the_largest_text(answers: list[tuple[bool, int]]) -> None:
    wrong, texts = zip(*answers, strict=True)
    alike = correlation(wrong, texts)
    assert 0.0 <= alike <= 1.0
    assert 1.0 <= design_effect(texts, alike) <= max(map(texts.count, texts))
    assert correlation(wrong, range(len(wrong))) == 0.0 and design_effect(range(len(wrong)), alike) == 1.0


@given(ANSWERS, st.permutations(range(6)))
def test_names_and_order_of_texts_do_not_matter(answers: list[tuple[bool, int]], names: list[int]) -> None:
    wrong, texts = zip(*answers, strict=True)
    renamed = [names[text] for text in texts][::-1]
    assert correlation(wrong[::-1], renamed) == pytest.approx(correlation(wrong, texts))


@pytest.mark.parametrize("wrong", [[], [1], [0, 0, 0, 0], [1, 1, 1, 1]])
def test_where_nothing_can_be_told_it_is_none(wrong: list[int]) -> None:
    assert correlation(wrong, [0, 0, 1, 1][: len(wrong)]) == 0.0
