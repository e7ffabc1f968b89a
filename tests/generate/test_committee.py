"""The committee: a proper distribution, corrected by what people labelled, and by nothing they did not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from factory.generate import committee
from factory.generate.committee import DEFAULT, FEWEST, Array, Voters, Weights

LABELS = ["a", "b", "c"]
votes = arrays(np.float32, (6, 3), elements=st.floats(-20, 0, width=32))


def log(p: Array) -> Array:
    return np.log(np.asarray(p, np.float32))


def likelihood(weights: Weights, voters: Voters, truth: Array) -> float:
    """Mean negative log-likelihood."""
    return float(-np.log(weights.vote(voters)[np.arange(len(truth)), truth] + 1e-12).mean())


def opinions(truth: Array, right: float, rng: np.random.Generator) -> Array:
    """Votes that name the truth with this frequency, always as sure."""
    named = np.where(rng.random(len(truth)) < right, truth, (truth + rng.integers(1, 3, len(truth))) % 3)
    return log(np.full((len(truth), 3), 0.1, np.float32) + 0.7 * np.eye(3, dtype=np.float32)[named])


@given(votes, votes, arrays(np.float32, 3, elements=st.floats(-3, 3, width=32)))
def test_a_vote_is_a_distribution(one: Array, two: Array, bias: Array) -> None:
    p = Weights(dict(DEFAULT), bias, 0).vote(Voters({"teacher": one, "writer": two}))
    assert np.allclose(p.sum(axis=1), 1.0, atol=1e-5)
    assert (p >= 0).all()


@given(votes, st.integers(0, FEWEST - 1))
def test_with_few_labelled_rows_the_defaults_stand(one: Array, known: int) -> None:
    voters = Voters({"teacher": np.resize(one, (known, 3)), "definitions": np.zeros((known, 3), np.float32)})
    weights = committee.fit(voters, np.zeros(known, int))
    assert weights.exponents == {"teacher": DEFAULT["teacher"], "definitions": DEFAULT["definitions"]}
    assert not weights.bias.any() and weights.fitted_to == 0


@given(st.integers(0, 1000), st.integers(FEWEST, 90), st.floats(0.0, 1.0), st.floats(0.0, 1.0))
@settings(max_examples=15, deadline=None)
def test_fitting_never_makes_the_labelled_rows_less_likely(seed: int, n: int, one: float, two: float) -> None:
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 3, n)
    voters = Voters({"teacher": opinions(truth, one, rng), "definitions": opinions(truth, two, rng)})
    default = Weights(dict(DEFAULT), np.zeros(3, np.float32), 0)
    fitted = committee.fit(voters, truth)
    assert likelihood(fitted, voters, truth) <= likelihood(default, voters, truth) + 1e-4
    assert all(value > 0 for value in fitted.exponents.values())


def test_a_member_that_guesses_is_listened_to_less() -> None:
    rng = np.random.default_rng(3)
    truth = rng.integers(0, 3, 150)
    voters = Voters({"teacher": opinions(truth, 1 / 3, rng), "definitions": opinions(truth, 0.9, rng)})
    found = committee.fit(voters, truth).exponents
    assert found["teacher"] < 0.5 * DEFAULT["teacher"]
    assert found["definitions"] > DEFAULT["definitions"]


def test_a_biased_teacher_is_corrected_on_rows_it_was_not_fitted_to() -> None:
    rng = np.random.default_rng(4)
    truth = rng.integers(0, 3, 300)
    sure = opinions(truth, 0.9, rng)
    sure[:, 1] -= 3.0  # says "b" far too seldom
    biased = sure - np.log(np.exp(sure).sum(axis=1, keepdims=True))
    voters = Voters({"teacher": biased})
    before = Weights(dict(DEFAULT), np.zeros(3, np.float32), 0).vote(voters.take(range(150, 300))).argmax(axis=1)
    weights = committee.fit(voters.take(range(150)), truth[:150])
    after = weights.vote(voters.take(range(150, 300))).argmax(axis=1)
    assert weights.bias[1] > weights.bias[[0, 2]].max()
    assert (after == truth[150:]).mean() > (before == truth[150:]).mean() + 0.15


def test_judges_share_what_a_teacher_would_have() -> None:
    names = ["judge a@1", "judge b@2", "definitions"]
    assert committee.defaults(names) == {"judge a@1": 0.25, "judge b@2": 0.25, "definitions": DEFAULT["definitions"]}
    assert committee.defaults(["judge a@1"]) == {"judge a@1": DEFAULT["teacher"]}
    assert committee.defaults(DEFAULT) == DEFAULT


@given(votes, st.integers(1, 4))
def test_judges_who_say_the_same_count_as_one_teacher(one: Array, number: int) -> None:
    judges = {f"judge {place}": one for place in range(number)}
    alone = committee.fit(Voters({"teacher": one}), np.zeros(0, int)).vote(Voters({"teacher": one}))
    found = committee.fit(Voters(judges), np.zeros(0, int)).vote(Voters(judges))
    assert np.allclose(found, alone, atol=1e-4)


def test_each_judge_is_listened_to_as_it_deserves() -> None:
    rng = np.random.default_rng(6)
    truth = rng.integers(0, 3, 150)
    voters = Voters({"judge good": opinions(truth, 0.9, rng), "judge bad": opinions(truth, 1 / 3, rng)})
    found = committee.fit(voters, truth).exponents
    assert found["judge good"] > 3 * found["judge bad"]


def test_a_silent_member_keeps_its_default_and_changes_nothing() -> None:
    rng = np.random.default_rng(5)
    truth = rng.integers(0, 3, 60)
    heard = opinions(truth, 0.8, rng)
    alone = committee.fit(Voters({"definitions": heard}), truth)
    beside = committee.fit(Voters({"definitions": heard, "teacher": np.zeros((60, 3), np.float32)}), truth)
    assert beside.exponents["teacher"] == DEFAULT["teacher"]
    assert beside.exponents["definitions"] == pytest.approx(alone.exponents["definitions"], rel=1e-3)


def test_definitions_prefer_the_nearest_label_whatever_the_lengths() -> None:
    vectors = np.array([[9.0, 0.1], [0.2, 0.01], [0.0, 3.0]], np.float32)
    labels = np.array([[0.01, 0.0], [0.0, 100.0]], np.float32)
    found = committee.definitions(vectors, labels)
    assert found.argmax(axis=1).tolist() == [0, 0, 1]
    assert np.allclose(np.exp(found).sum(axis=1), 1.0, atol=1e-5)
    assert committee.definitions(vectors[:0], labels).shape == (0, 2)


def test_a_teacher_has_no_opinion_where_it_was_not_understood() -> None:
    found = committee.teacher([{"a": -0.1, "c": -3.0}, None], LABELS)
    assert found[0].tolist() == pytest.approx([-0.1, committee.FLOOR, -3.0])
    assert not found[1].any()


def test_a_writer_speaks_for_the_label_it_was_asked_for() -> None:
    found = np.exp(committee.writer(["b", None], LABELS))
    assert found[0].tolist() == pytest.approx([0.15, 0.7, 0.15])
    assert found[1].tolist() == [1.0, 1.0, 1.0]


def test_people_are_silent_before_they_have_labelled_anything() -> None:
    vectors = np.random.default_rng(0).normal(size=(9, 4)).astype(np.float32)
    assert not committee.people(vectors, vectors[:3], {0: 1, 1: 2}).any()


def test_people_teach_what_definitions_do_not_know() -> None:
    rng = np.random.default_rng(1)
    truth = rng.integers(0, 3, 120)
    vectors = (np.eye(8, dtype=np.float32)[truth] + 0.2 * rng.normal(size=(120, 8))).astype(np.float32)
    definitions = np.eye(8, dtype=np.float32)[3:6]  # say nothing of what tells the rows apart
    found = committee.people(vectors, definitions, {row: int(truth[row]) for row in range(60)})
    assert np.allclose(np.exp(found).sum(axis=1), 1.0, atol=1e-4)
    assert (found[60:].argmax(axis=1) == truth[60:]).mean() > 0.95


@given(st.integers(0, 29), st.integers(1, 2), st.integers(0, 50))
@settings(max_examples=10, deadline=None)
def test_no_labelled_row_hears_its_own_label(row: int, shift: int, seed: int) -> None:
    """What people say of a row is the same whichever label that row was given."""
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(40, 6)).astype(np.float32)
    known = {number: int(label) for number, label in enumerate(rng.integers(0, 3, 30))}
    before = committee.people(vectors, vectors[:3], known)
    after = committee.people(vectors, vectors[:3], {**known, row: (known[row] + shift) % 3})
    assert np.array_equal(before[row], after[row])
    assert not np.array_equal(before[35], after[35])
