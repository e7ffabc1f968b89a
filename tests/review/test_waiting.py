"""Whether a build waits for people: what the spec says, what is answered, and how late it is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from review_specs import make_spec

from factory.errors import ReviewPendingError
from factory.files import read_jsonl, write_jsonl
from factory.review import waiting
from factory.review.backend import AUDIT, DISPUTED, SPOT_CHECK, Answer
from factory.review.jsonl import JsonlBackend
from factory.review.select import Selection
from factory.row import Lineage, Row
from factory.spec import Spec
from factory.spec_review import Review
from factory.stages.answers import answered_of, ask_people, unanswered

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
HOURS = st.integers(-100, 100).map(lambda hours: NOON + timedelta(hours=hours))


@given(st.integers(0, 50), st.integers(0, 50), HOURS, st.none() | HOURS)
def test_a_build_waits_while_something_is_missing_and_there_is_time(
    answered: int, asked: int, now: datetime, until: datetime | None
) -> None:
    verdict = waiting.decide(answered, asked, now, until)
    assert (verdict == "complete") == (answered >= asked)
    assert (verdict == "overdue") == (answered < asked and until is not None and until <= now)
    later = now + timedelta(hours=1)
    assert verdict == "wait" or waiting.decide(answered, asked, later, until) == verdict  # time takes nothing back
    assert verdict != "complete" or waiting.decide(answered + 1, asked, now, until) == "complete"


GIVEN = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["ana", "ben", "cleo"]), st.sampled_from("xy")))


@given(st.dictionaries(st.sampled_from("abcd"), st.integers(1, 3)), GIVEN)
def test_a_row_is_answered_when_enough_people_agree(rows: dict[str, int], given: list[tuple[str, str, str]]) -> None:
    answers = [
        Answer(row, label, who, text="t", submitted_at=f"{place:03}") for place, (row, who, label) in enumerate(given)
    ]
    found = waiting.answered(rows, answers, people=2)
    people = {row: {who for id_, who, _ in given if id_ == row} for row in rows}
    assert found <= sum(len(people[row]) >= asked for row, asked in rows.items()) <= len(rows)
    settled = [*answers, *(Answer(row, "x", "judge", text="t", reason=DISPUTED) for row in rows)]
    assert waiting.answered(rows, settled, people=2) >= found
    assert waiting.answered(dict.fromkeys(rows, 1), settled, people=2) == len(rows)
    assert waiting.answered(rows, settled, people=2) == len(rows)  # however few people judged it before


@pytest.mark.parametrize(("word", "required"), [("none", False), ("audit", "audit"), ("required", True)])
def test_one_word_says_who_is_waited_for(word: str, required: object) -> None:
    assert Review.model_validate(word) == Review.model_validate({"required": required})


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("later", "none, audit, required"),
        ({"required": "audit", "audit": 0.0}, "draws no row"),
        ({"deadline": "3d"}, "nobody is waited for"),
        ({"required": True, "deadline": "3 days"}, "pattern"),
        ({"required": True, "deadline": "0d"}, "pattern"),
        ({"required": "yes"}, "audit"),
    ],
)
def test_what_cannot_be_meant(said: object, why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        Review.model_validate(said)


def test_a_deadline_makes_nothing_anew(spec: Spec) -> None:
    waits = spec.model_copy(update={"review": Review(required=True)})
    late = spec.model_copy(update={"review": Review(required=True, deadline="36h")})
    assert late.review.patience == timedelta(hours=36) and waits.review.patience is None
    assert late.hash == waits.hash != spec.hash
    assert spec.review.model_dump() == {"required": False, "audit": 0.3}


def chosen(*reasons: str) -> list[Selection]:
    lineage = Lineage(spec="s")
    texts = [f"row number{place}" for place in range(len(reasons))]
    rows = [Row(text=text, label="lost", origin="generated", lineage=lineage) for text in texts]
    return [Selection(row, why, 0.5) for row, why in zip(rows, reasons, strict=True)]


def a_build(spec: Spec, home: Path, **review: Any) -> Any:
    asks = spec.model_copy(update={"review": Review(**review)})
    where, budget = SimpleNamespace(review="jsonl", home=home), SimpleNamespace(review=10)
    return SimpleNamespace(spec=asks, settings=where, budget_name="quick", budget=budget)


def say(build: Any, shown: list[Selection]) -> None:
    folder = JsonlBackend(build.settings.home / "review").folder(build.spec)
    write_jsonl(folder / "answers.jsonl", [{"row_id": one.row.id, "label": "fee"} for one in shown])


def test_the_rows_drawn_at_random_are_enough_for_an_audit(spec: Spec, tmp_path: Path) -> None:
    build, shown = a_build(spec, tmp_path, required="audit"), chosen(AUDIT, SPOT_CHECK, "uncertain", "coverage")
    for answered in ([], shown[2:]):
        say(build, answered)
        with pytest.raises(ReviewPendingError, match="answered 0 of 2"):
            ask_people(build, shown)
    say(build, shown[:3])
    pushed, pulled = ask_people(build, shown)
    assert (pushed.new, pushed.total, len(pulled.answers), pulled.missing) == (0, 4, 3, 0)
    assert unanswered(pulled) == {}
    assert waiting.everything(tmp_path) == []


def test_nobody_is_waited_for_unless_the_spec_says_so(spec: Spec, tmp_path: Path) -> None:
    ask_people(a_build(spec, tmp_path), chosen(AUDIT, "uncertain"))
    assert not (tmp_path / "waiting").exists()


def test_a_spec_that_requires_review_no_longer_ends_the_wait(spec: Spec, tmp_path: Path) -> None:
    shown = chosen(AUDIT, "uncertain")
    for _ in range(2):
        with pytest.raises(ReviewPendingError):
            ask_people(a_build(spec, tmp_path, required=True), shown)
        assert len(waiting.everything(tmp_path)) == 1
        ask_people(a_build(spec, tmp_path), shown)
        assert waiting.everything(tmp_path) == [] and waiting.read(tmp_path, spec.name, "quick") is None


def test_from_the_deadline_on_a_build_takes_what_is_there(spec: Spec, tmp_path: Path) -> None:
    build, shown = a_build(spec, tmp_path, required=True, deadline="2h"), chosen(AUDIT, "uncertain", "coverage")
    with pytest.raises(ReviewPendingError):
        ask_people(build, shown)
    (waits,) = waiting.everything(tmp_path)
    begun, ends = datetime.fromisoformat(waits.since), datetime.fromisoformat(waits.until)
    assert ends - begun == timedelta(hours=2)
    assert waits.told.startswith("support/intent (quick) waits for people: 0 of 3 rows are answered, until ")
    earlier = (begun - timedelta(hours=3)).isoformat()
    waiting.keep(tmp_path, waiting.Waiting(**{**vars(waits), "since": earlier}))
    say(build, shown[:1])
    _, pulled = ask_people(build, shown)
    assert unanswered(pulled) == {"not answered by the deadline": 2}
    assert len(answered_of(pulled)) == 1
    moved = a_build(spec, tmp_path, required=True, deadline="9h")
    with pytest.raises(ReviewPendingError):  # more time, since the rows were first shown
        ask_people(moved, shown)
    with pytest.raises(ReviewPendingError):  # other rows, which nobody has seen before
        ask_people(build, chosen(*["uncertain"] * 4))


@given(st.lists(st.sampled_from(["push", "pull", "keep", ""]), max_size=6))
def test_a_kill_asks_nothing_twice(tmp_path_factory: pytest.TempPathFactory, kills: list[str]) -> None:
    home = tmp_path_factory.mktemp("killed")
    made = make_spec(home / "spec", {"lost": "A card.", "fee": "A charge."})
    build, shown = a_build(made, home, required=True), chosen("uncertain", "uncertain")
    folder = JsonlBackend(home / "review").folder(build.spec)
    since = set()
    for moment in kills:
        with pytest.MonkeyPatch.context() as patch, pytest.raises((KeyboardInterrupt, ReviewPendingError)):
            if moment:
                at = {"push": (JsonlBackend, "push"), "pull": (JsonlBackend, "pull"), "keep": (waiting, "keep")}
                patch.setattr(*at[moment], killed)
            ask_people(build, shown)
        since |= {one.since for one in waiting.everything(home)}
    say(build, shown) if folder.exists() else None
    for _ in range(2):
        try:
            _, pulled = ask_people(build, shown)
        except ReviewPendingError:
            say(build, shown)
            _, pulled = ask_people(build, shown)
        assert {answer.row_id for answer in pulled.answers} == {one.row.id for one in shown}
    assert [line["row_id"] for line in read_jsonl(folder / "to_review.jsonl")] == [one.row.id for one in shown]
    assert len(since) <= 1


def killed(*_: object) -> None:
    raise KeyboardInterrupt
