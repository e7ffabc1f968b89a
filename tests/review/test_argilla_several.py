"""Several people at a real Argilla: each judges alone, and what they dispute is shown once more, to be settled."""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from review_specs import make_spec
from reviewer import Reviewer, account

from factory import settings
from factory.errors import ReviewPendingError
from factory.review.argilla_dataset import ALONE, SEVERAL
from factory.review.backend import DISPUTED
from factory.review.merge import merge
from factory.review.policy import identity
from factory.review.select import Selection
from factory.row import Lineage, Row
from factory.services.argilla.server import ArgillaServer
from factory.spec import Spec
from factory.spec_review import Review
from factory.stages.answers import ask_people, on_reviewers

pytestmark = pytest.mark.real


def test_the_whole_way(argilla: ArgillaServer, own_settings: settings.Settings, tmp_path: Path) -> None:
    spec = make_spec(tmp_path / "spec", {"fee": "A charge.", "pin": "The PIN.", "app": "The app."}, "support/several")
    spec = spec.model_copy(update={"review": Review(required=True, overlap=0.5, reviewers=2)})
    rows = [Row(text=f"text number {n}", label="app", origin="generated", lineage=Lineage(spec="s")) for n in range(4)]
    alone, agreed, divided, waiting = rows
    shown = [Selection(row, "uncertain", 0.5, 1 if row is alone else 2) for row in rows]
    where = dataclasses.replace(own_settings, review="argilla")
    budget = SimpleNamespace(review=10)
    build: Any = SimpleNamespace(spec=spec, settings=where, budget_name="quick", budget=budget)

    def pending(answered: int) -> None:
        with pytest.raises(ReviewPendingError, match=f"answered {answered} of 4"):
            ask_people(build, shown)

    pending(0)
    ana, ben = (("ana", "a password"), ("ben", "another password"))
    for name, password in (ana, ben):
        account(argilla, name, password)
    one = Reviewer(argilla, spec)
    assert set(one.records) == {alone.id}
    one.respond(alone.id, "submitted", label="fee")
    first, second = (Reviewer(argilla, spec, *who, SEVERAL) for who in (ana, ben))
    assert set(first.records) == set(second.records) == {agreed.id, divided.id, waiting.id}
    for row, label in ((agreed, "pin"), (divided, "pin"), (waiting, "pin")):
        first.respond(row.id, "submitted", label=label)
    assert set(Reviewer(argilla, spec, *ben, SEVERAL).records) == set(second.records)  # one answer is not enough
    second.respond(agreed.id, "submitted", label="pin")
    second.respond(divided.id, "submitted", label="fee")
    pending(2)
    pending(2)  # and the dispute is there once

    judge = Reviewer(argilla, spec, queue=DISPUTED)
    assert set(judge.records) == {divided.id} and judge.suggested(divided.id) is None
    beside = judge.records[divided.id]["fields"]["candidates"]
    assert "A charge." in beside and "The PIN." in beside and "The app." not in beside
    judge.respond(divided.id, "submitted", label="fee")
    second.respond(waiting.id, "submitted", label="pin")
    pushed, pulled = ask_people(build, shown)
    assert (pushed.new, pushed.total) == (0, 4) and pulled.problems == []
    merged = merge(rows, pulled.answers)
    assert [row.label for row in merged.rows] == ["fee", "pin", "fee", "pin"] and not merged.unresolved
    assert len(merged.rows[2].lineage.reviewers) == 3  # the two, and who settled it
    said = on_reviewers(pulled.answers, 2)
    assert (said["rows that several people answered"], said["rows to be settled"]) == (3, 0)


def test_what_the_spec_comes_to_ask_for_is_asked(
    argilla: ArgillaServer, own_settings: settings.Settings, tmp_path: Path
) -> None:
    labels = {"fee": "A charge.", "pin": "The PIN.", "app": "The app."}
    spec = make_spec(tmp_path / "spec", labels, "support/changed")
    rows = [Row(text=f"text number {n}", label="app", origin="generated", lineage=Lineage(spec="s")) for n in range(2)]
    where = dataclasses.replace(own_settings, review="argilla")

    def asked(spec: Spec, reviewers: int, *people: int) -> Any:
        asks = spec.model_copy(update={"review": Review(required=True, overlap=0.5, reviewers=reviewers)})
        budget = SimpleNamespace(review=10)
        build: Any = SimpleNamespace(spec=asks, settings=where, budget_name="quick", budget=budget)
        shown = [Selection(row, "uncertain", 0.5, many) for row, many in zip(rows, people, strict=True)]
        return ask_people(build, shown)

    def person(name: str, queue: str = SEVERAL) -> Reviewer:
        return Reviewer(argilla, spec, name, "a password", queue)

    def pending(answered: int, *arguments: Any) -> None:
        with pytest.raises(ReviewPendingError, match=f"answered {answered} of 2"):
            asked(*arguments)

    pending(0, spec, 2, 1, 1)
    for name in ("dora", "emil", "finn"):
        account(argilla, name, "a password")
    for row in rows:
        person("dora", ALONE).respond(row.id, "submitted", label="fee")
    asked(spec, 2, 1, 1)

    one, two = rows
    pending(1, spec, 2, 1, 2)  # `overlap` was raised: it is shown to several, too
    for name in ("dora", "emil"):
        person(name).respond(two.id, "submitted", label="fee")
    asked(spec, 2, 1, 2)

    pending(1, spec, 3, 1, 3)  # `reviewers` was: who has not judged it yet finds it
    deadline = time.monotonic() + 20
    while person("finn").records[two.id]["status"] != "pending" and time.monotonic() < deadline:
        time.sleep(0.2)  # the server counts anew by itself
    assert person("finn").records[two.id]["status"] == "pending"
    person("finn").respond(two.id, "submitted", label="fee")
    asked(spec, 3, 1, 3)

    spec = spec.model_copy(update={"labels": labels | {"fee": "A charge abroad."}})
    asked(spec, 3, 1, 3)  # until somebody answers anew, what was said stands
    again = f"{two.id}@{identity(spec)}"
    person("dora").respond(again, "submitted", label="fee")
    person("dora", ALONE).respond(f"{one.id}@{identity(spec)}", "submitted", label="fee")
    pending(1, spec, 3, 1, 3)
    for name in ("emil", "finn"):
        person(name).respond(again, "submitted", label="fee")
    _, pulled = asked(spec, 3, 1, 3)
    assert len([answer for answer in pulled.answers if answer.row_id == two.id]) == 3
