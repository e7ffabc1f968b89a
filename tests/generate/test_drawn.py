"""Texts written around records that were drawn: what is drawn is a value of its field, and what is kept says it."""

from __future__ import annotations

import json
import random
from datetime import date
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory import spec as specs
from factory.generate.plan import cells
from factory.generate.strategies import STRATEGIES, Material
from factory.generate.strategies.cell import Cell, Told
from factory.generate.strategies.draw import draw, says, spelled
from factory.record import problem, settle
from factory.spec import Spec
from factory.spec_field import Field
from factory.strata import names_in, stratum_of
from tests import registry

DRAWN = STRATEGIES["drawn"]
FIELDS = {**registry.FIELDS, "borrower": {**registry.FIELDS["borrower"], "samples": registry.PEOPLE}}


@pytest.fixture(scope="module")
def spec(tmp_path_factory: pytest.TempPathFactory) -> Spec:
    base: Path = tmp_path_factory.mktemp("registry")
    changes = {"fields": FIELDS, "strategies": {"drawn": 1.0}}
    registry.make_specialist(base / "test" / "registry", base / "gold", changes)
    return specs.load("test/registry", base)


def told(**words: str) -> Told:
    return Told(record=dict(words), said=dict(words), words=tuple(words.values()))


def cell(*rows: Told) -> Cell:
    return Cell(label="due", attributes={}, count=len(rows), ordinal=0, strategy="drawn", told=rows)


def reply(*texts: str) -> str:
    return json.dumps({"rows": [{"text": text} for text in texts]})


def field(**keys: Any) -> Field:
    return Field(definition="what it is", **keys)


SAMPLES = {"quote": ["Ada Lind", "Mills, Inc."], "text": ["New York"], "number": [7, 2.5]}
SOME = st.sampled_from(["quote", "text", "number", "date", "duration", "boolean", "choice"])


@given(kind=SOME, many=st.booleans(), special=st.booleans(), seed=st.integers(0, 9999))
def test_a_text_of_a_value_s_words_says_it_and_its_record_holds(
    kind: Any, many: bool, special: bool, seed: int
) -> None:
    values = ["up", "down"] if kind == "choice" else ["never"] if special and kind in ("date", "duration") else []
    some = field(type=kind, many=many and kind != "boolean", values=values, samples=SAMPLES.get(kind, []))
    drawn = draw(some, random.Random(seed))
    text = f"It is said that {drawn.told} is so."
    assert says(text, drawn.words)
    record, failure = settle({"it": some}, text, {"it": drawn.value})
    assert not failure and not problem({"it": some}, text, record)
    assert drawn.words or kind in ("boolean", "choice") or "never" in str(drawn.value)


@given(number=st.integers(0, 1200))
def test_numbers_in_words_differ(number: int) -> None:
    assert spelled(number) != spelled(number + 1) and spelled(number).strip() == spelled(number) != ""


def test_numbers_are_spelled_as_contracts_do() -> None:
    assert [spelled(one) for one in (0, 12, 45, 90, 120, 345)] == [
        "zero", "twelve", "forty-five", "ninety", "one hundred twenty", "three hundred forty-five"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("value", "said"), [("2003-05-XX", "May 2003"), ("XXXX-05-04", "May 4"), ("2003-XX-XX", "2003")]
)
def test_of_a_date_no_more_is_told_than_is_known(value: str, said: str) -> None:
    drawn = draw(field(type="date", samples=[value]), random.Random(1))
    assert (drawn.value, drawn.told, drawn.words) == (value, said, (said,))


def test_among_other_values_none_is_drawn_that_no_words_tell() -> None:
    some = field(type="date", values=["never"], samples=["never", "2003-05-04"])
    drawn = [draw(some, random.Random(seed), by_words=True) for seed in range(20)]
    assert {one.value for one in drawn} == {"2003-05-04"} and all(one.words for one in drawn)


def test_a_duration_is_said_by_its_number() -> None:
    drawn = draw(field(type="duration", samples=["P60D"]), random.Random(3))
    assert drawn.told in ("60 days", "sixty days", "sixty (60) days")
    assert says("upon sixty days' notice" if "sixty" in drawn.told else "a 60-day term", drawn.words)


def test_every_day_of_a_plan_is_a_day() -> None:
    some, chance = field(type="date"), random.Random(5)
    values = [str(draw(some, chance).value) for _ in range(400)]
    whole = [one for one in values if "X" not in one]
    assert {date.fromisoformat(one) for one in whole} and 0 < len(values) - len(whole) < 80


def test_a_plan_holds_a_record_for_every_row_and_is_the_same_each_time(spec: Spec) -> None:
    plan = list(islice(cells(Material(spec)), 30))
    assert plan == list(islice(cells(Material(spec)), 30))
    for one in plan:
        assert len(one.told) == one.count
        assert all(stratum_of(row.record) == stratum_of(names_in(one.label)) for row in one.told)
    assert {one.label for one in plan} == {*registry.FIELDS, "borrower + due", "borrower + loan", "due + loan"}
    for one in plan:
        assert len(names_in(one.label)) == 1 or all(row.words and "never" not in row.said.values() for row in one.told)
    borrowers = {str(row.record["borrower"]) for one in plan for row in one.told if "borrower" in row.record}
    assert len(borrowers) > 5, "not what an example has"
    assert Cell.model_validate(plan[0].model_dump(mode="json")) == plan[0]


def test_required_fields_are_drawn_for_every_row(spec: Spec) -> None:
    fields = {name: field.model_copy(update={"required": name == "shelf"}) for name, field in spec.fields.items()}
    some = spec.model_copy(update={"fields": fields})
    assert all("shelf" in row.record for one in islice(DRAWN.cells(Material(some)), 12) for row in one.told)
    every = {name: field.model_copy(update={"required": True}) for name, field in spec.fields.items()}
    whole = spec.model_copy(update={"fields": every})
    assert {one.label for one in islice(DRAWN.cells(Material(whole)), 5)} == {stratum_of(registry.FIELDS)}


def test_the_teacher_is_told_the_values_and_asked_for_texts_alone(spec: Spec) -> None:
    one = next(one for one in cells(Material(spec)) if one.label == "borrower + due")
    asked = DRAWN.request(one, Material(spec))
    content = asked.messages[-1]["content"]
    assert all(f". borrower = {row.said['borrower']}; due = {row.said['due']}\n" in content for row in one.told)
    assert "borrower: Who has the book.\n" in content
    assert list(asked.json_schema["properties"]["rows"]["items"]["properties"]) == ["values", "text"]  # type: ignore[index]
    assert (
        '{"values": "borrower = Hugo Prandt; due = 3 May 1999", "text": "Hugo Prandt keeps the songbook until'
        in content
    )


def test_texts_have_their_own_record_or_the_one_they_say_and_others_are_told_of() -> None:
    asked = cell(told(due="May 4"), told(due="June 5"), told(due="July 6"))
    drafts, reason = DRAWN.read(asked, reply("back on june 5", "by May 4", "whenever you like"))
    assert [(one.text, one.record) for one in drafts] == [
        ("back on june 5", {"due": "June 5"}),
        ("by May 4", {"due": "May 4"}),
    ]
    assert reason == "1 texts that do not say what was drawn for them"


def test_no_record_is_given_twice() -> None:
    drafts, _ = DRAWN.read(cell(told(due="May 4"), told(due="June 5")), reply("May 4 and June 5", "May 4, again"))
    assert [one.record for one in drafts] == [{"due": "May 4"}]
    same = cell(told(due="May 4"), told(due="May 4"))
    assert len(DRAWN.read(same, reply("by May 4", "on May 4", "May 4"))[0]) == 2


@given(texts=st.lists(st.text(max_size=12)), cut=st.integers(0, 200))
def test_whatever_is_replied_nothing_is_lost_without_a_reason(texts: list[str], cut: int) -> None:
    asked = cell(told(due="a"), told(), told(due="b"))
    drafts, reason = DRAWN.read(asked, reply(*texts)[:cut])
    assert len(drafts) <= 3 and (reason or len(drafts) == len(texts))
