"""The check of records."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from factory import spec as specs
from factory.hygiene.check import Context
from factory.hygiene.contest import GUARDS
from factory.hygiene.record import check
from factory.row import Lineage, Row
from factory.spec import Spec
from tests import registry

TEXT = "The atlas went to Ada Lind and belongs on the shelf upstairs."


@pytest.fixture
def spec(tmp_path: Path) -> Spec:
    registry.make_specialist(tmp_path / "test" / "registry", tmp_path / "gold", {})
    return specs.load("test/registry", tmp_path)


def row(record: Any, fields: str = "none", teacher: str = "t", **changes: Any) -> Row:
    values = {"origin": "generated", "attributes": {"fields": fields}, "lineage": Lineage(spec="s", teacher=teacher)}
    return Row.model_validate({"text": TEXT, "record": record, **values, **changes})


@pytest.mark.parametrize(
    ("one", "reason"),
    [
        (row({}), ""),
        (row({"borrower": ["Ada Lind"], "shelf": "upstairs"}, "borrower"), ""),
        (row({"borrower": ["Ada Lind"]}, "borrower + shelf"), "field not there: shelf was asked for"),
        (row({"borrower": ["ada lind"]}), "not in its one form: quotations or lists differ from the text's"),
        (row({"borrower": ["Lind A"]}), "not in the text: borrower: 'Lind A'"),
        (row({"colour": "red"}), "unknown field: 'colour'; there are borrower, due, loan, shelf"),
        (row({"borrower": ["Boris"]}, origin="reviewed", attributes={}), "not in the text: borrower: 'Boris'"),
        (row({}, origin="reviewed", attributes={"told": ""}),
         "nothing told: no answer that people gave can be read as a value of its field"),
        (row({}, teacher="", origin="unlabelled", attributes={}), ""),
    ],
)  # fmt: skip
def test_a_row_passes_or_says_why(spec: Spec, one: Row, reason: str) -> None:
    (verdict,) = check([one], Context(spec))
    assert (verdict.passed, verdict.reason.removeprefix("not asked: nobody has read it yet")) == (not reason, reason)


@pytest.mark.parametrize(
    ("text", "passes"),
    [
        ("It is due in three years, on the first day.", False),
        ("It is due 2000 days after the 20th.", True),  # no year, but nobody can see that
        ("It is due on 4 May 2021.", True),
        ("It is due on 5/4/21.", True),
        ("It is due in nineteen hundred and ninety.", True),
        ("It is due in 20210 days.", False),
    ],
)
def test_a_teacher_s_year_is_held_against_a_text_that_has_none(spec: Spec, text: str, passes: bool) -> None:
    made = {"text": text, "lineage": Lineage(spec="s", teacher="t")}
    (one,) = check([row({"due": "2021-05-04"}, **made)], Context(spec))
    assert one.passed == passes and bool(one.reason) != passes
    assert passes or one.reason == "made up: due is 2021-05-04, and the text has no year"
    (read,) = check([row({"due": "2021-05-04"}, origin="unlabelled", attributes={}, **made)], Context(spec))
    assert read.passed == passes
    others = [{"due": "XXXX-05-04"}, {"due": "never"}, {}]
    assert all(one.passed for one in check([row(record, **made) for record in others], Context(spec)))
    (people,) = check([row({"due": "2021-05-04"}, origin="reviewed", attributes={}, **made)], Context(spec))
    assert people.passed, "people may know the contract"


def test_required_fields_are_missed_where_the_record_is_whole(spec: Spec) -> None:
    fields = {**spec.fields, "due": spec.fields["due"].model_copy(update={"required": True})}
    context = Context(spec.model_copy(update={"fields": fields}))
    whole, part = row({}, origin="reviewed", attributes={}), row({}, origin="reviewed", attributes={"told": "shelf"})
    assert [verdict.reason for verdict in check([whole, part], context)] == ["missing field: due", ""]


def test_rows_with_a_label_are_not_asked_and_nobody_contests_it(spec: Spec) -> None:
    (verdict,) = check([Row(text="a", label="b", origin="generated", lineage=Lineage(spec="s"))], Context(spec))
    assert verdict.passed and verdict.reason == "not asked: no record" and "record" in GUARDS
