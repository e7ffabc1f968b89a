"""People's rows with other values: each says what its record has, and nothing else of it changes."""

from __future__ import annotations

import random
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory import spec as specs
from factory.dataset import card
from factory.errors import SpecError
from factory.generate.plan import cells, coverage
from factory.generate.strategies import STRATEGIES, Material
from factory.generate.strategies.draw import ways
from factory.generate.strategies.replaced_record import replaced_record
from factory.generate.write import write
from factory.record import Record, problem, settle
from factory.row import Lineage, Row
from factory.spec import Spec
from factory.spec_field import Field
from factory.strata import stratum_of
from tests import registry

FIELDS = {**registry.FIELDS, "borrower": {**registry.FIELDS["borrower"], "samples": registry.PEOPLE}}


@pytest.fixture(scope="module")
def spec(tmp_path_factory: pytest.TempPathFactory) -> Spec:
    base: Path = tmp_path_factory.mktemp("registry")
    changes = {"fields": FIELDS, "strategies": {"replaced": 1.0}, "hygiene": {"near_duplicate": 0.97}}
    registry.make_specialist(base / "test" / "registry", base / "gold", changes)
    return specs.load("test/registry", base)


def row(text: str, record: Record, told: str | None = None) -> Row:
    attributes = {} if told is None else {"told": told}
    return Row(
        text=text, record=record, origin="reviewed", attributes=attributes, lineage=Lineage(spec="s", source="g")
    )


def known() -> list[Row]:
    return [row(*registry.sample(stratum, number)) for number, stratum in enumerate(registry.STRATA * 3)]


@given(stratum=st.sampled_from(registry.STRATA), number=st.integers(0, 50), seed=st.integers(0, 99))
def test_what_is_replaced_is_said_and_holds(spec: Spec, stratum: str, number: int, seed: int) -> None:
    text, record = registry.sample(stratum, number)
    found = replaced_record(row(text, record), spec.fields, random.Random(seed))
    # A choice has no words of its own to be told by, and `never` none that a text need have.
    if not {name for name, value in record.items() if name != "shelf" and value != "never"}:
        assert found is None
        return
    assert found is not None and list(found.record) == list(record)
    assert not problem(spec.fields, found.text, found.record)
    assert settle(spec.fields, found.text, found.record)[0] == found.record
    changed = {name for name in record if record[name] != found.record[name]}
    assert changed == set(found.said) and "shelf" not in changed
    assert _without(text, record, changed, spec) == _without(found.text, found.record, changed, spec)


def _without(text: str, record: Record, names: set[str], spec: Spec) -> str:
    """A text with a mark where these fields' values stand."""
    for name in names:
        value = record[name]
        for one in value if isinstance(value, list) else [value]:
            text = text.replace(next(way.told for way in ways(one, spec.fields[name]) if way.told in text), "*")
    return text


def test_every_place_and_any_case_and_no_part_of_a_word() -> None:
    fields = {"law": Field(definition="which", type="text", samples=["Ohio"])}
    said = replaced_record(
        row("The laws of PERU, and of Peru\n; Peruvian courts", {"law": "Peru"}), fields, random.Random(1)
    )
    assert said and said.text == "The laws of Ohio, and of Ohio\n; Peruvian courts" and said.record == {"law": "Ohio"}


def test_values_change_places_at_once() -> None:
    fields = {"who": Field(definition="who", type="quote", many=True, samples=["Ada", "Bo", "Cy"])}
    for seed in range(20):
        said = replaced_record(row("Ada and Bo", {"who": ["Ada", "Bo"]}), fields, random.Random(seed))
        assert said is None or (said.record["who"] == said.text.split(" and ") and said.text != "Ada and Bo")


def test_a_length_is_told_by_all_of_its_words() -> None:
    fields = {"notice": Field(definition="how long", type="duration", samples=["P30D"])}
    said = replaced_record(row("upon sixty (60) days notice", {"notice": "P60D"}), fields, random.Random(4))
    assert said and said.record == {"notice": "P30D"} and said.text.startswith("upon ")
    assert said.text in {f"upon {words} days notice" for words in ("thirty (30)", "thirty", "30")}
    assert replaced_record(row("a 60-day notice", {"notice": "P60D"}), fields, random.Random(4)) is None


TERMS = {
    "begins": Field(definition="when", type="date"),
    "ends": Field(definition="until when", type="date", values=["perpetual"]),
    "notice": Field(definition="how long", type="duration"),
    "law": Field(definition="which", type="text", samples=["Ohio", "Peru"]),
    "who": Field(definition="who", type="quote", samples=["Bo", "Cy"]),
}


def test_a_day_that_may_follow_from_another_keeps_all_as_they_are() -> None:
    text = "From May 4, 2011, for two years, by the law of Peru, upon 30 days notice"
    record: Record = {"begins": "2011-05-04", "ends": "2013-05-04", "notice": "P30D", "law": "Peru"}
    said = replaced_record(row(text, record), TERMS, random.Random(2))
    assert said and said.text == text.replace("Peru", "Ohio") and said.record == record | {"law": "Ohio"}
    alone = replaced_record(row(text, {**record, "ends": "perpetual"}), TERMS, random.Random(2))
    assert alone and set(alone.said) == {"begins", "notice", "law"} and alone.record["ends"] == "perpetual"


@pytest.mark.parametrize(
    ("text", "record"),
    [
        ("from May 4, 2011 to May 4, 2011", {"begins": "2011-05-04", "ends": "2011-05-04"}),  # whose words are these?
        ("signed by Peru Mills", {"who": "Peru Mills", "law": "Peru"}),  # no words of its own
    ],
)
def test_a_row_whose_values_share_words_is_left(text: str, record: Record) -> None:
    assert all(replaced_record(row(text, record), TERMS, random.Random(seed)) is None for seed in range(10))


def test_values_that_a_field_has_no_others_for_stay() -> None:
    fields = {"law": Field(definition="which", type="text", samples=["Peru"])}
    assert replaced_record(row("of Peru", {"law": "Peru"}), fields, random.Random(1)) is None
    undrawable = {"law": Field(definition="which", type="text")}
    assert replaced_record(row("of Peru", {"law": "Peru"}), undrawable, random.Random(1)) is None


def test_a_plan_holds_the_rows_and_nobody_is_asked(spec: Spec, tmp_path: Path) -> None:
    material = Material(spec, known=known())
    plan = list(islice(cells(material), 24))
    assert plan == list(islice(cells(material), 24))
    asked: object = None  # no teacher: whoever asked would fail
    written = write(material, plan, asked, tmp_path / "replies.db")  # type: ignore[arg-type]
    assert not written.failed and len(written.rows) == sum(cell.count for cell in plan)
    originals = {one.text for one in known()}
    for made in written.rows:
        assert made.text not in originals and made.origin == "generated" and made.lineage.source == "g"
        assert not made.lineage.teacher and not made.lineage.reply
        assert made.attributes["strategy"] == "replaced"
        assert made.attributes["fields"] == stratum_of(made.record or {}, spec.fields)
    assert len({made.text for made in written.rows}) > 0.8 * len(written.rows)


def test_fields_come_as_often_as_in_peoples_rows(spec: Spec) -> None:
    rows = [row(*registry.sample("due", number)) for number in range(1, 8)]
    rows += [row(*registry.sample("loan", 1))]
    plan = list(islice(STRATEGIES["replaced"].cells(Material(spec, known=rows)), 16))
    assert [one.label for one in plan].count("loan") == 2 and {one.ordinal for one in plan} == {0, 1}


def test_what_people_did_not_speak_of_is_not_told(spec: Spec, tmp_path: Path) -> None:
    half = row("Ada Lind took it, due on 2 May 2021", {"borrower": ["Ada Lind"]}, told="borrower")
    material = Material(spec, known=[half])
    (cell, *_) = islice(cells(material), 1)
    written = write(material, [cell], None, tmp_path / "replies.db")  # type: ignore[arg-type]
    assert {(one.axis, one.requests) for one in coverage([cell])} == {("fields", 0)}
    for made in written.rows:
        assert made.told == ("borrower",) and "2 May 2021" in made.text and "Ada Lind" not in made.text


def test_datasets_know_it_by_its_name() -> None:
    assert STRATEGIES["replaced"].name == card.REPLACED and not STRATEGIES["replaced"].asks
    assert all(one.asks for name, one in STRATEGIES.items() if name != card.REPLACED)


def test_without_rows_that_say_their_values_there_is_no_plan(spec: Spec) -> None:
    bare = spec.model_copy(update={"examples": []})
    with pytest.raises(SpecError, match="none has a value that its words say"):
        next(STRATEGIES["replaced"].cells(Material(bare, known=[row("it is upstairs", {"shelf": "upstairs"})])))


def test_a_spec_that_would_drop_them_is_refused(tmp_path: Path) -> None:
    changes = {"fields": FIELDS, "strategies": {"replaced": 1.0}}
    registry.make_specialist(tmp_path / "test" / "registry", tmp_path / "gold", changes)
    with pytest.raises(SpecError, match=r"say 0\.95 or more"):
        specs.load("test/registry", tmp_path)
