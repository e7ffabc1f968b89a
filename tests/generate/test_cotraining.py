"""The member that reads words: it learns from the others, and never what it is asked."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from factory.generate.committee import FEWEST, Array
from factory.generate.cotraining import words

WORDS = (("fee", "charge"), ("card", "plastic"), ("pin", "code"))
LABELS = len(WORDS)


def made(rows: int, seed: int = 0) -> tuple[list[str], Array]:
    """Texts whose words tell their label, and the labels."""
    chance = np.random.default_rng(seed)
    truth = chance.integers(0, LABELS, rows)
    texts = [f"my {chance.choice(WORDS[label])} number {chance.integers(9)} please" for label in truth]
    return texts, truth


def unsure_teacher(truth: Array, right: float = 0.6, seed: int = 1) -> Array:
    """Probabilities of others who are right so often, and do not say when."""
    chance = np.random.default_rng(seed)
    said = np.where(chance.random(len(truth)) < right, truth, chance.integers(0, LABELS, len(truth)))
    found: Array = np.full((len(truth), LABELS), 0.15, np.float32)
    found[np.arange(len(truth)), said] = 0.7
    return found


def test_it_ends_wiser_than_its_teachers() -> None:
    texts, truth = made(400)
    lessons = unsure_teacher(truth)
    known = {row: int(truth[row]) for row in range(FEWEST)}
    votes = words(texts, known, lambda people: lessons)
    assert (lessons.argmax(axis=1) == truth).mean() < 0.8
    assert (votes.argmax(axis=1) == truth).mean() > 0.95
    np.testing.assert_allclose(np.exp(votes).sum(axis=1), 1.0, rtol=1e-4)


@given(row=st.integers(0, FEWEST + 9), shift=st.integers(1, LABELS - 1))
def test_its_vote_on_a_labelled_row_does_not_know_the_label(row: int, shift: int) -> None:
    texts, truth = made(90)
    lessons = unsure_teacher(truth)
    known = {number: int(truth[number]) for number in range(FEWEST + 10)}

    def taught(people: Mapping[int, int]) -> Array:  # others who repeat every label they are told
        found = lessons.copy()
        for number, label in people.items():
            found[number] = np.eye(LABELS, dtype=np.float32)[label]
        return found

    before = words(texts, known, taught)
    after = words(texts, {**known, row: (known[row] + shift) % LABELS}, taught)
    np.testing.assert_array_equal(before[row], after[row])


def test_with_few_labelled_rows_it_has_no_opinion() -> None:
    texts, truth = made(60)
    assert not words(texts, {0: 1}, lambda people: unsure_teacher(truth)).any()


def test_teachers_who_always_say_one_label_teach_that() -> None:
    texts, _ = made(60)
    lessons = np.tile(np.array([1.0, 0.0, 0.0], np.float32), (60, 1))
    votes = words(texts, dict.fromkeys(range(FEWEST), 0), lambda people: lessons)
    assert np.isfinite(votes).all()
