"""Rows that mean the same, or what a gold row means, by any encoder's vectors."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from factory.errors import FactoryError
from factory.hygiene import semantic_contamination, semantic_duplicate
from factory.hygiene.check import Context
from factory.row import Row
from factory.spec_hygiene import Hygiene
from tests.hygiene.hygiene_rows import row
from tests.hygiene.word_vectors import word_vectors

Make = Callable[..., Context]
SAME = Hygiene(semantic_duplicate=0.8, semantic_contamination=0.8)

WORDS = ["my", "card", "is", "lost", "where", "new", "account", "please"]


def kept(rows: list[Row], known: Context) -> list[Row]:
    verdicts = semantic_duplicate.check(rows, known)
    assert len(verdicts) == len(rows)
    return [one for one, verdict in zip(rows, verdicts, strict=True) if verdict.passed]


def test_the_best_founded_of_alike_rows_stays(make_context: Make) -> None:
    known = make_context(hygiene=SAME, vectors=word_vectors)
    real = row("the card I ordered has not come yet", origin="reviewed")
    written = row("the card I ordered has not come", origin="generated")
    other = row("please cancel my direct debit", origin="generated")
    verdicts = semantic_duplicate.check([written, other, real], known)
    assert [verdict.passed for verdict in verdicts] == [False, True, True]
    assert verdicts[0].reason == f"semantic duplicate: of {real.id} (reviewed)"
    assert 0.8 <= (verdicts[0].score or 0.0) <= 1.0


def test_a_chain_is_not_one_cluster(make_context: Make) -> None:
    """A row goes only for a row that is kept and alike, never for one that went."""
    at = {"first": 0.0, "second": 0.5, "third": 1.0}

    def circle(texts: Sequence[str]) -> NDArray[np.float32]:
        return np.array([[np.cos(at[text]), np.sin(at[text])] for text in texts], np.float32)

    known = make_context(hygiene=SAME, vectors=circle)  # cos 0.5 = 0.88, cos 1 = 0.54
    rows = [row("first", origin="reviewed"), row("second", origin="example"), row("third", origin="unlabelled")]
    assert [one.text for one in kept(rows, known)] == ["first", "third"]


@given(
    texts=st.lists(
        st.lists(st.sampled_from(WORDS), min_size=1, max_size=5).map(" ".join),
        max_size=25,
        unique=True,
    ),
    seed=st.integers(0, 9),
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_order_does_not_matter_and_twice_is_once(make_context: Make, texts: list[str], seed: int) -> None:
    known = make_context(hygiene=SAME, vectors=word_vectors)
    origins = ("reviewed", "example", "unlabelled", "generated")
    rows = [row(text, origin=origins[len(text) % 4]) for text in texts]  # type: ignore[arg-type,unused-ignore]
    stays = kept(rows, known)
    shuffled = random.Random(seed).sample(rows, len(rows))
    assert {one.id for one in kept(shuffled, known)} == {one.id for one in stays}
    assert kept(stays, known) == stays
    unit = word_vectors([one.text for one in stays])
    unit /= np.maximum(np.linalg.norm(unit, axis=1, keepdims=True), 1e-9)
    assert ((unit @ unit.T - np.eye(len(stays))) < 0.8 + 1e-5).all(), "no two kept rows are alike"


def test_the_approximate_index_finds_plain_duplicates(make_context: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(semantic_duplicate, "EXACT", 0)
    known = make_context(hygiene=SAME, vectors=word_vectors)
    rows = [row(f"number {number} of my own words{number}", origin="unlabelled") for number in range(40)]
    rows += [row(f"{one.text} of") for one in rows[:10]]
    exact = {f"{one.text} of" for one in rows[:10]}
    went = {one.text for one in rows} - {one.text for one in kept(rows, known)}
    assert exact & went


def test_what_means_a_gold_text_goes(make_context: Make) -> None:
    gold = ["where is the card I ordered last week", "close my account now"]
    known = make_context(gold=gold, hygiene=SAME, vectors=word_vectors)
    alike, other = semantic_contamination.check(
        [row("my account: close now!", origin="unlabelled"), row("I love rain")], known
    )
    assert (alike.passed, alike.reason) == (False, "means a gold text: gold-1")
    assert other.passed
    assert (other.score or 0.0) < 0.8


def test_many_rows_are_compared_as_few_are(make_context: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    known = make_context(gold=["close my account"], hygiene=SAME, vectors=word_vectors)
    rows = [row(text) for text in ("close my account please", "hello", "my account", "what")]
    whole = semantic_contamination.check(rows, known)
    monkeypatch.setattr(semantic_contamination, "_CHUNK", 2)
    assert semantic_contamination.check(rows, known) == whole


@pytest.mark.parametrize("check", [semantic_duplicate.check, semantic_contamination.check])
def test_without_an_encoder_it_says_so_and_unasked_it_needs_none(
    make_context: Make, check: Callable[[list[Row], Context], object]
) -> None:
    with pytest.raises(FactoryError, match="vectors"):
        check([row("hello there")], make_context(gold=["hello"], hygiene=SAME))
    [verdict] = check([row("hello there")], make_context(gold=["hello"]))  # type: ignore[misc,unused-ignore]
    assert verdict.reason == "not asked: the spec does not ask"
    assert check([], make_context(gold=["hello"], hygiene=SAME, vectors=word_vectors)) == []
