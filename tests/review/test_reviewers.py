"""Reviewers of known error rates are recognised, and what they say together is worth what theory says."""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from factory.errors import ReviewPendingError
from factory.files import read_jsonl, write_jsonl
from factory.review import reviewers
from factory.review.backend import DISPUTED, Answer, WordedAnswer
from factory.review.jsonl import JsonlBackend
from factory.review.merge import merge
from factory.review.merge import said as decided
from factory.review.select import Selection, select
from factory.row import Lineage, Row
from factory.spec import Spec
from factory.spec_review import Review
from factory.stages.answers import ask_people, on_reviewers

LABELS = ["lost", "fee", "pin", "limit", "app"]
RIGHT = {"ana": 0.95, "ben": 0.85, "cleo": 0.7}
ROWS = 600


def answer(row_id: str, reviewer: str, label: str | None, **more: Any) -> Answer:
    return Answer(row_id=row_id, label=label, reviewer=reviewer, text=f"text {row_id}", **more)


@pytest.fixture(scope="module")
def truth() -> dict[str, str]:
    chance = random.Random(1)
    return {f"r{number}": chance.choice(LABELS) for number in range(ROWS)}


@pytest.fixture(scope="module")
def answers(truth: dict[str, str]) -> list[Answer]:
    """Everybody answers everything, and is wrong as often as they are, each time in a way drawn at random."""
    chance = random.Random(2)
    return [
        answer(row, who, label if chance.random() < right else chance.choice([x for x in LABELS if x != label]))
        for row, label in truth.items()
        for who, right in RIGHT.items()
    ]


def test_how_often_each_is_right_is_found_without_the_truth(answers: list[Answer]) -> None:
    found = reviewers.standings(answers)
    assert {who: one.rows for who, one in found.items()} == dict.fromkeys(RIGHT, ROWS)
    for who, right in RIGHT.items():
        assert found[who].right == pytest.approx(right, abs=0.04)


def test_together_they_are_right_as_often_as_theory_says(answers: list[Answer], truth: dict[str, str]) -> None:
    """Of three whose log-odds are 2.9, 1.7 and 0.8 the best outweighs the other two, unless they agree with each other
    (Nitzan & Paroush 1982); two who are wrong agree one time in four, there being four ways to be wrong."""
    a, b, c = RIGHT.values()
    believed = decided(reviewers.weighed(answers))
    assert len(believed) > 0.95 * ROWS  # the rest is in dispute
    rightly = sum(believed[row] == truth[row] for row in believed) / len(believed)
    at_least = a * (1 - (1 - b) * (1 - c) / 4) + (1 - a) * b * c
    assert rightly == pytest.approx(at_least, abs=0.02)


def test_one_who_is_nearly_always_right_outweighs_two_who_often_are_not(truth: dict[str, str]) -> None:
    chance, other = random.Random(3), {"lost": "fee", "fee": "lost"}
    facts = {row: "lost" if label in ("lost", "app") else "fee" for row, label in truth.items()}
    given = [
        answer(row, who, label if chance.random() < right else other[label])
        for row, label in facts.items()
        for who, right in {"ana": 0.97, "ben": 0.6, "cleo": 0.6}.items()
    ]

    def right(found: dict[str, str | None]) -> float:
        return sum(found[row] == facts[row] for row in found) / len(found)

    assert right(decided(given)) == pytest.approx(0.97 * (1 - 0.4**2) + 0.03 * 0.6**2, abs=0.03)  # votes alike
    assert right(decided(reviewers.weighed(given))) == pytest.approx(0.97, abs=0.02)


def test_alpha_is_what_theory_says(answers: list[Answer]) -> None:
    agree = [p * q + (1 - p) * (1 - q) / 4 for p, q in combinations(RIGHT.values(), 2)]
    expected = (sum(agree) / 3 - 1 / 5) / (1 - 1 / 5)
    assert reviewers.alpha(answers) == pytest.approx(expected, abs=0.04)


def test_alpha_of_a_published_example() -> None:
    """Krippendorff (2011), Computing Krippendorff's Alpha-Reliability, section C."""
    rows = {
        "A": "1 2 3 3 2 1 4 1 2 . . .",
        "B": "1 2 3 3 2 2 4 1 2 5 . 3",
        "C": ". 3 3 3 2 3 4 2 2 5 1 .",
        "D": "1 2 3 3 2 4 4 1 2 5 1 .",
    }
    given = [
        answer(f"u{unit}", who, said)
        for who, line in rows.items()
        for unit, said in enumerate(line.split())
        if said != "."
    ]
    assert reviewers.alpha(given) == pytest.approx(0.743, abs=0.0005)


opinions = st.lists(
    st.tuples(st.sampled_from("abcdefgh"), st.sampled_from(["ana", "ben", "cleo"]), st.sampled_from([*LABELS, None])),
    max_size=40,
)


@settings(max_examples=40)
@given(opinions, st.randoms(use_true_random=False))
def test_in_whatever_order_answers_come(said: list[tuple[str, str, str | None]], chance: random.Random) -> None:
    once = list({(row, who): answer(row, who, label) for row, who, label in said}.values())
    mixed = once.copy()
    chance.shuffle(mixed)
    assert reviewers.alpha(once) == pytest.approx(reviewers.alpha(mixed))
    first, second = reviewers.standings(once), reviewers.standings(mixed)
    assert first.keys() == second.keys() and all(0 < one.right < 1 for one in first.values())
    assert all(first[who].right == pytest.approx(second[who].right, abs=1e-6) for who in first)
    assert reviewers.disputed(once, 2).keys() == reviewers.disputed(mixed, 2).keys()
    assert decided(reviewers.weighed(once)) == decided(reviewers.weighed(mixed))


@given(st.lists(st.sampled_from(LABELS), min_size=2, max_size=30))
def test_who_always_agree(labels: list[str]) -> None:
    given = [answer(f"r{row}", who, label) for row, label in enumerate(labels) for who in ("ana", "ben")]
    assert reviewers.alpha(given) == (pytest.approx(1.0) if len(set(labels)) > 1 else None)
    assert reviewers.disputed(given, 2) == {}
    for label in set(labels):
        assert reviewers.alpha(given, label) in (None, pytest.approx(1.0))


def test_of_rows_that_one_person_answered_nothing_is_known() -> None:
    alone = [answer("a", "ana", "fee"), answer("b", "ben", "pin")]
    assert reviewers.table(alone) == on_reviewers(alone, 2) == {} and reviewers.alpha(alone) is None
    assert [one.worth for one in reviewers.weighed(alone)] == [None, None]


def test_answers_in_words_are_no_votes() -> None:
    worded = [WordedAnswer("a", None, who, text="t", answer=f"as {who} says") for who in ("ana", "ben")]
    assert reviewers.table(worded) == {} and reviewers.disputed(worded, 2) == {}


def test_who_are_divided_wait_for_somebody_who_settles_it() -> None:
    row = Row(text="text", label="lost", origin="generated", lineage=Lineage(spec="s"))
    two = [answer(row.id, "ana", "fee"), answer(row.id, "ben", "pin")]
    assert reviewers.disputed(two[:1], 2) == {} and set(reviewers.disputed(two, 2)) == {row.id}
    assert reviewers.disputed(two, 3) == {}  # somebody is still to answer
    assert merge([row], two).unresolved == [row.id]
    settled = [*two, answer(row.id, "ana", "pin", reason=DISPUTED, submitted_at="2026-02-01")]
    assert reviewers.disputed(settled, 2) == {}
    [after] = merge([row], settled).rows
    assert (after.label, after.weight, after.lineage.reviewers) == ("pin", 1.0, ["ana", "ben"])


def test_settled_disputes_tell_who_was_right() -> None:
    """Of two nobody could say which; those that were settled say."""
    two = [answer(f"r{row}", who, label) for row in range(30) for who, label in (("ana", "fee"), ("ben", "pin"))]
    assert len({round(one.right, 6) for one in reviewers.standings(two).values()}) == 1
    settled = [answer(f"r{row}", "cleo", "pin", reason=DISPUTED) for row in range(12)]
    found = reviewers.standings([*two, *settled])
    assert set(found) == {"ana", "ben"} and found["ben"].right > 0.9 > 0.3 > found["ana"].right


def test_a_row_weighs_what_its_people_are_worth(answers: list[Answer], truth: dict[str, str]) -> None:
    rows = [Row(text=f"text {row}", label="lost", origin="generated", lineage=Lineage(spec="s")) for row in truth]
    by_text = {row.text: row.id for row in rows}
    given = [
        Answer(by_text[one.text], one.label, one.reviewer, text=one.text) for one in answers if one.text in by_text
    ]
    merged = merge(rows, reviewers.weighed(given))
    weights = [row.weight for row in merged.rows if row.origin == "reviewed"]
    assert reviewers.BELIEVED <= min(weights) < 0.95 and max(weights) > 0.99
    assert len(weights) + len(merged.unresolved) == ROWS


@settings(max_examples=15)
@given(st.floats(0, 1), st.floats(0, 1))
def test_a_share_of_what_is_shown_goes_to_several_and_grows_with_it(one: float, other: float) -> None:
    rows = [Row(text=f"row number{n}", label="lost", origin="generated", lineage=Lineage(spec="s")) for n in range(60)]
    small, large = (
        {shown.row.id for shown in select(rows, 40, 0.3, overlap=part, people=3) if shown.people == 3}
        for part in sorted((one, other))
    )
    assert small <= large
    everybody = select(rows, 40, 0.3, overlap=1.0, people=3)
    assert {shown.people for shown in everybody} == {3} and len(everybody) == 40
    assert {shown.people for shown in select(rows, 40, 0.3)} == {1}


def test_the_whole_way_in_files(spec: Spec, tmp_path: Path) -> None:
    spec = spec.model_copy(update={"review": Review(required=True, overlap=1.0, reviewers=2)})
    rows = [Row(text=f"row number{n}", label="lost", origin="generated", lineage=Lineage(spec="s")) for n in range(3)]
    shown = select(rows, 3, 0.0, overlap=1.0, people=2)
    where = SimpleNamespace(review="jsonl", home=tmp_path)
    budget = SimpleNamespace(review=10)
    build: Any = SimpleNamespace(spec=spec, settings=where, budget_name="quick", budget=budget)
    folder = JsonlBackend(tmp_path / "review").folder(spec)

    def say(*lines: tuple[Selection, str, str, str]) -> None:
        there = read_jsonl(folder / "answers.jsonl") if (folder / "answers.jsonl").exists() else []
        said = [
            {"row_id": one.row.id, "reviewer": who, "label": label, "reason": why} for one, who, label, why in lines
        ]
        write_jsonl(folder / "answers.jsonl", [*there, *said])

    def pending(answered: int) -> Sequence[Answer]:
        with pytest.raises(ReviewPendingError, match=f"answered {answered} of 3"):
            ask_people(build, shown)
        return JsonlBackend(tmp_path / "review").pull(spec).answers

    pending(0)
    say(*((one, "ana", "fee", "") for one in shown))
    pending(0)  # each waits for a second person
    say((shown[0], "ben", "fee", ""), (shown[1], "ben", "fee", ""), (shown[2], "ben", "pin", ""))
    answers = pending(2)
    assert on_reviewers(answers, 2)["rows to be settled"] == 1
    last = read_jsonl(folder / "to_review.jsonl")[-1]
    assert (last["row_id"], last["reason"], last["said"]) == (shown[2].row.id, DISPUTED, ["fee", "pin"])
    say((shown[2], "cleo", "pin", DISPUTED))
    _, pulled = ask_people(build, shown)
    assert [row.label for row in merge([one.row for one in shown], pulled.answers).rows] == ["fee", "fee", "pin"]
    assert len(read_jsonl(folder / "to_review.jsonl")) == 4  # shown once more, once
    say((shown[0], "dora", "pin", DISPUTED))
    assert "to be settled" in ask_people(build, shown)[1].problems[0]
