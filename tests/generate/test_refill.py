"""What cleaning takes away is asked for again until there is enough or nothing new comes."""

from __future__ import annotations

import itertools
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory.generate.diversity import distinct, nearest, openings, spread, typical
from factory.generate.plan import cells, grow
from factory.generate.refill import AVOID, Refill
from factory.generate.strategies.cell import Cell
from factory.row import Lineage, Row
from tests.generate.strategy_specs import make, material


def started(rows: int = 32, **changes: object) -> tuple[list[Cell], Refill]:
    here = material(make(**changes))  # type: ignore[arg-type]
    plan = grow(here, rows)
    return plan, Refill(plan, itertools.islice(cells(here), len(plan), None))


def rows(label: str, count: int, opening: str = "") -> list[Row]:
    lineage = Lineage(spec="s")
    return [
        Row(text=f"{opening} {label} note number {n}".strip(), label=label, origin="generated", lineage=lineage)
        for n in range(count)
    ]


def test_labels_that_lack_rows_are_asked_for_again_and_no_others() -> None:
    plan, refill = started()
    kept = rows("label 0", 8) + rows("label 1", 3) + rows("label 2", 8)  # 8 of each were asked for
    further = refill.further(kept)
    assert Counter(cell.label for cell in further) == {"label 1": 2, "label 3": 2}
    assert not {cell.id for cell in further} & {cell.id for cell in plan}
    asked = {(cell.label, cell.ordinal) for cell in plan}
    assert all((cell.label, cell.ordinal) not in asked for cell in further)


def test_what_was_written_is_shown_so_that_something_else_is_written() -> None:
    _, refill = started()
    kept = rows("label 0", 8) + rows("label 1", 5, "I would like to") + rows("label 2", 8)
    for cell in refill.further(kept):
        mine = {row.text for row in kept if row.label == cell.label}
        assert set(cell.avoid) <= mine and len(cell.avoid) == min(AVOID, len(mine))


def test_it_ends_when_nothing_is_lacking_and_when_nothing_new_comes() -> None:
    _, refill = started()
    assert refill.further([row for label in range(4) for row in rows(f"label {label}", 8)]) == []
    _, refill = started()
    kept = rows("label 0", 8) + rows("label 1", 8)
    assert refill.further(kept)
    assert refill.further(kept + rows("label 2", 2)) == []
    _, refill = started()
    assert refill.further(rows("label 0", 8)) == []  # 8 of 32: a plateau from the start


def test_pairs_are_asked_again_where_either_side_lacks() -> None:
    _, refill = started(strategies={"contrastive": 1.0})
    full = [row for label, count in refill.wanted.items() if label != "label 2" for row in rows(label, count)]
    further = refill.further(full)
    assert further and all("label 2" in cell.asks for cell in further)


def test_a_pair_of_whose_labels_one_was_never_asked_for_shows_nothing_of_it() -> None:
    pair = Cell(label="label 0", attributes={}, count=8, ordinal=0, strategy="contrastive", against="label 2")
    other = pair.model_copy(update={"label": "label 1", "ordinal": 1})
    (further,) = Refill([pair], iter([other])).further(rows("label 0", 4) + rows("label 2", 2))
    assert (further.label, further.against, further.avoid) == ("label 1", "label 2", ())


def test_a_label_that_no_strategy_serves_is_given_up() -> None:
    _, refill = started(strategies={"few_shot": 1.0})
    refill.wanted["label 3"] = 5  # nobody has ever labelled a row so
    kept = [row for label in range(3) for row in rows(f"label {label}", refill.wanted[f"label {label}"])]
    assert refill.further(kept) == []


@given(st.lists(st.integers(0, 4), min_size=1, max_size=30), st.integers(4, 120), st.booleans())
def test_it_always_ends_and_what_lacks_shrinks_by_a_third(luck: list[int], budget: int, pairs: bool) -> None:
    plan, refill = started(budget, strategies={"contrastive" if pairs else "label": 1.0})
    chance = itertools.cycle(luck)
    kept: list[Row] = []
    batch, lacking = plan, [refill.wanted.total()]
    while batch:
        for cell in batch:
            for label, count in cell.asks.items():
                kept += rows(label, min(count, next(chance)), opening=cell.id)
        batch = refill.further(kept)
        had = Counter(row.label for row in kept)
        lacking.append(sum(max(0, wanted - had[label]) for label, wanted in refill.wanted.items()))
        if batch:
            assert 0 < lacking[-1] <= 2 / 3 * lacking[-2]
        else:
            assert lacking[-1] == 0 or lacking[-1] > 2 / 3 * lacking[-2]


def test_openings_used_again_are_shown_first_and_then_the_least_original() -> None:
    texts = ["Could you help with a card", "Could you help with my money", "My card is lost", "Nothing like it at all"]
    assert openings(texts)["could you help"] == 2
    found = typical(texts, 2)
    assert found[0] == "Could you help with a card"
    assert found == typical(list(reversed(texts)), 2)
    assert set(typical(texts, 9)) == set(texts)
    assert typical([], 3) == []


@given(st.lists(st.text("abc ", min_size=1, max_size=20), max_size=12), st.integers(0, 6))
def test_typical_texts_are_texts_once_each(texts: list[str], count: int) -> None:
    different = list(dict.fromkeys(texts))
    found = typical(different, count)
    assert len(found) == len(set(found)) == min(count, len(different)) and set(found) <= set(different)


def test_distinct_is_different_ngrams_over_all() -> None:
    assert distinct(["a b a b"], 1) == 0.5
    assert distinct(["a b a b"], 2) == pytest.approx(2 / 3)
    assert distinct(["a", "b"], 2) == 0.0 and distinct([], 1) == 0.0


def test_spread_and_distance_are_of_angles() -> None:
    square = np.array([[1, 0], [0, 3], [-2, 0], [0, -1]], np.float32)
    pairs = [1 - a @ b / np.linalg.norm(a) / np.linalg.norm(b) for a, b in itertools.combinations(square, 2)]
    assert spread(square) == pytest.approx(np.mean(pairs))
    assert spread(square[:1]) is None
    assert nearest(square, square) == pytest.approx(0.0, abs=1e-6)
    assert nearest(square, square, itself=True) == pytest.approx(1.0, abs=1e-6)
    many = np.random.default_rng(1).normal(size=(2500, 5)).astype(np.float32)
    found = nearest(many, many, itself=True)
    unit = many / np.linalg.norm(many, axis=1, keepdims=True)
    for place in (0, 1023, 1024, 2499):
        others = np.delete(unit, place, axis=0)
        assert found[place] == pytest.approx(1 - (others @ unit[place]).max(), abs=1e-5)
