"""How far rows weigh that a teacher has written and no person has seen, where a decision is a label."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from factory.row import Lineage, Origin, Row
from factory.stages import believing_labels
from factory.stages.believing import FEWEST, Believed
from factory.students.probe import Array

LABELS = ["bill", "card", "loan"]
CENTRES = np.eye(3, 16, dtype=np.float32)
LEAST = min(believing_labels.BELIEFS)


def rows(count: int, origin: Origin, shift: int = 0, seed: int = 0) -> tuple[list[Row], dict[str, Array]]:
    """Rows of every label in turn, and vectors near the centre of the label `shift` places on."""
    chance, made, vectors = np.random.default_rng(seed), list[Row](), {}
    for number in range(count):
        label = number % len(LABELS)
        weight = 1.0 if origin == "reviewed" else 0.5
        one = Row(
            text=f"{origin} {seed} {number}",
            label=LABELS[label],
            origin=origin,
            weight=weight,
            lineage=Lineage(spec="test/desk#0"),
        )
        centre = CENTRES[(label + shift) % len(LABELS)]
        vectors[one.id] = (centre + 0.5 * chance.standard_normal(16)).astype(np.float32)
        made.append(one)
    return made, vectors


PEOPLE, SEEN = rows(30, "reviewed")


def measured(written: tuple[list[Row], Mapping[str, Array]], people: list[Row] = PEOPLE) -> Believed | None:
    made, vectors = written
    return believing_labels.believed([*people, *made], {**SEEN, **vectors}, LABELS)


def test_what_is_like_peoples_rows_is_believed() -> None:
    found = measured(rows(300, "generated", seed=1))
    assert found and found.value > 0.1 and found.rows == len(PEOPLE)
    assert found.tried[1.0] < found.tried[0.1] < found.tried[LEAST]


def test_what_says_another_thing_than_people_is_hardly_believed() -> None:
    found = measured(rows(300, "generated", shift=1, seed=1))
    assert found and found.value == LEAST and found.tried[LEAST] < found.tried[1.0]


def test_real_texts_are_not_doubted() -> None:
    assert measured(rows(300, "unlabelled", shift=1, seed=1)) is None
    wrong, vectors = rows(300, "unlabelled", shift=1, seed=1)
    right, more = rows(300, "generated", seed=2)
    found = measured(([*wrong, *right], {**vectors, **more}))
    assert found and found.value == 1.0, "real texts say another thing than people; what was written helps against them"


def test_where_few_people_or_one_source_tell_nothing_is_known() -> None:
    written = rows(300, "generated", shift=1, seed=1)
    assert measured(written, PEOPLE[: FEWEST - 1]) is None
    same = [one.model_copy(update={"lineage": Lineage(spec="s", source="one letter")}) for one in PEOPLE]
    assert measured(written, same) is None
    picked = [
        one.model_copy(update={"lineage": Lineage(spec="s", source="corrected in production: 1")}) for one in same
    ]
    assert measured(written, picked) is None, "no sample of what comes"


def test_rows_without_a_vector_have_no_say() -> None:
    made, vectors = rows(300, "generated", shift=1, seed=1)
    back, _ = rows(10, "reviewed", shift=1, seed=3)
    assert measured((made, vectors)) == measured(([*made, *back], vectors))


def test_what_was_tried_is_told() -> None:
    found = measured(rows(60, "generated", seed=1))
    assert found and found.sentence.startswith(f"{found.value:g} (log loss on 30 of people's rows")
    assert f"1: {found.tried[1.0]:.3f}" in found.sentence


@settings(max_examples=5, deadline=None)
@given(order=st.permutations(range(90)), seed=st.integers(0, 5))
def test_the_order_of_rows_says_nothing(order: list[int], seed: int) -> None:
    made, vectors = rows(60, "generated", shift=seed % 2, seed=seed + 1)
    every = [*PEOPLE, *made]
    seen = {**SEEN, **vectors}
    one = believing_labels.believed(every, seen, LABELS)
    other = believing_labels.believed([every[number] for number in order], seen, LABELS)
    assert one and other
    assert [other.tried[belief] for belief in one.tried] == pytest.approx(list(one.tried.values()), abs=2e-3)
