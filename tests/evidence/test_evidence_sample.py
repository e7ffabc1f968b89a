from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory.evidence.sample import describe, sample
from factory.row import Gold

GOLD = st.lists(st.sampled_from("aaaabbbccd"), min_size=1, max_size=120).map(
    lambda labels: [Gold(id=f"row-{number}", text="x", label=label) for number, label in enumerate(labels)]
)


@given(GOLD, st.integers(1, 130), st.integers(1, 130), st.integers(0, 10**6))
def test_nested_and_independent_of_order(gold: list[Gold], n: int, m: int, seed: int) -> None:
    small, large = sample(gold, min(n, m)), sample(gold, max(n, m))
    assert {row.id for row in small} <= {row.id for row in large}
    assert len(small) == min(n, m, len(gold))
    assert small == [row for row in gold if row in small], "in the gold rows' order"
    mixed = random.Random(seed).sample(gold, len(gold))
    assert {row.id for row in sample(mixed, n)} == {row.id for row in sample(gold, n)}


@given(GOLD, st.integers(1, 120))
def test_stratified(gold: list[Gold], n: int) -> None:
    whole, found = Counter(row.label for row in gold), Counter(row.label for row in sample(gold, n))
    n = min(n, len(gold))
    if n >= len(whole):
        assert set(found) == set(whole), "every label is there"
        for label, count in whole.items():
            # One row goes to every label first, so a share can be off by as many rows as there are labels.
            assert abs(found[label] - n * count / len(gold)) <= len(whole)
    else:
        assert max(found.values()) == 1
        assert min(whole[label] for label in found) >= max(whole[label] for label in set(whole) - set(found))


def test_seed_and_limits() -> None:
    gold = [Gold(id=str(number), text="x", label="ab"[number % 2]) for number in range(100)]
    assert sample(gold, 20) != sample(gold, 20, seed=14)
    assert sample(gold, 0) == sample(gold, 100) == sample(gold, 101) == gold
    assert Counter(row.label for row in sample(gold, 20)) == {"a": 10, "b": 10}
    assert describe(gold, 20) == "stratified 20 of 100, seed 13"
    assert describe(gold, 0) == describe(gold, 100) == "all"
    with pytest.raises(ValueError, match="negative"):
        sample(gold, -1)
