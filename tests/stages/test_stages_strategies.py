"""A build with every strategy, refill and limits, over the loopback teacher: nothing is lost, all of it can be seen."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from factory.dataset.version import open_version
from factory.files import read_json, read_jsonl
from factory.generate.strategies.cell import Cell
from factory.generate.write import strategy_of
from factory.row import read_rows
from tests import shop
from tests.conftest import Factory
from tests.tiny_encoder import make as make_encoder

pytestmark = pytest.mark.real

NAME = "test/every-way"
NONE = "other"
WAYS = {
    "label": 0.25, "seed_grounded": 0.15, "few_shot": 0.15, "rewrite": 0.15, "contrastive": 0.2, "out_of_scope": 0.1
}  # fmt: skip
BUDGET = {"generate": 80, "label": 12, "judge": 10, "review": 30, "measure_teacher": 0, "epochs": 1}
LABELS = {
    "parcel": "The message is about a parcel, a delivery, a courier or a tracking number.",
    "money": "The message is about an invoice, a refund, a payment or a receipt.",
    "account": "The message is about a password, a login, a profile or an account.",
    NONE: "The message is about none of these.",
}


@pytest.fixture(scope="module")
def ways(tmp_path_factory: pytest.TempPathFactory) -> Any:
    base = tmp_path_factory.mktemp("ways")
    encoder = make_encoder(base / "encoder", shop.every_text(), hidden=32)
    made = Factory(base / "home", base / "prompts", base / "gold", shop.Teacher(), encoder)
    yield made
    made.teacher.stop()


def specialist(ways: Factory, name: str, budget: dict[str, Any] | None = None, **changes: Any) -> str:
    budgets = {"quick": {**BUDGET, **(budget or {})}, "full": BUDGET}
    usual = {"labels": LABELS, "out_of_scope": NONE, "strategies": WAYS, "budgets": budgets}
    usual["reader"] = str(ways.encoder)
    return ways.specialist(name, **{**usual, **changes})


def stage(ways: Factory, name: str, of: str) -> Path:
    (found,) = (ways.home / "builds" / name / of).glob("[!.]*")
    return found


def build(ways: Factory, name: str, until: str) -> str:
    ended = ways.run("build", name, "--until", until)
    assert ended.returncode == 0, ended.stdout
    return ended.stdout


def test_every_strategy_writes_rows_that_become_a_dataset_and_a_student(ways: Factory) -> None:
    specialist(ways, NAME)
    build(ways, NAME, "train")
    cells = [Cell.model_validate(value) for value in read_jsonl(stage(ways, NAME, "plan") / "plan.jsonl")]
    assert {cell.strategy for cell in cells} == set(WAYS)
    rows = read_rows(stage(ways, NAME, "write") / "rows.jsonl")
    by_cell = {cell.id: cell for cell in cells}
    for row in rows:
        cell = by_cell[row.lineage.cell]
        assert strategy_of(row) == cell.strategy and row.label in cell.asks
        assert ("strategy" in row.attributes) == (cell.strategy != "label")
    assert {strategy_of(row) for row in rows} == set(WAYS)
    assert Counter(strategy_of(row) for row in rows)["contrastive"] % 2 == 0
    version = open_version(stage(ways, NAME, "dataset"))
    kept = [row for split in ("train", "held_out") for row in version.rows(split)]  # type: ignore[arg-type]
    assert {"contrastive", "rewrite"} < {strategy_of(row) for row in kept if row.origin == "generated"}


def test_the_committee_hears_the_reader(ways: Factory) -> None:
    clean = stage(ways, NAME, "clean")
    assert len(np.load(clean / "reader.npy")) == len(read_rows(clean / "kept.jsonl"))
    assert len(np.load(clean / "label_reader.npy")) == len(LABELS)
    heard = read_json(stage(ways, NAME, "review") / "committee.json")["exponents"]
    assert {"reader_definitions", "reader_people"} < set(heard)


def test_no_gold_row_is_ever_shown_to_a_writer(ways: Factory) -> None:
    gold = [row.text for row in ways.gold_rows()]
    writing = [line for line in ways.teacher.asked if "response_format" in line]
    assert writing and not [text for text in gold if any(text in line for line in writing)]


def test_the_report_accounts_for_every_row_that_was_asked_for(ways: Factory) -> None:
    ended = ways.run("coverage", NAME)
    assert ended.returncode == 0, ended.stdout
    assert "# Coverage: test/every-way" in ended.stdout and "distinct-2" in ended.stdout
    report = read_json(stage(ways, NAME, "coverage") / "coverage.json")
    whole = [one for one in report["yields"] if one["axis"] == "strategy" and not one["label"]]
    rows = read_rows(stage(ways, NAME, "write") / "rows.jsonl")
    assert {one["value"]: one["written"] for one in whole} == Counter(strategy_of(row) for row in rows)
    assert all(one["written"] == one["kept"] + sum(one["dropped"].values()) for one in report["yields"])
    summary = read_json(stage(ways, NAME, "plan") / "summary.json")
    assert sum(one["asked"] for one in whole) == summary["rows asked for"]
    asked = len(ways.teacher.asked)
    assert ways.run("coverage", NAME).stdout == ended.stdout and len(ways.teacher.asked) == asked


def test_what_a_student_confuses_goes_beside_the_spec_and_into_the_plan(ways: Factory) -> None:
    name = specialist(ways, "test/confused", strategies={"contrastive": 1.0})
    assert "trained" in ways.run("confusions", name).stdout
    build(ways, name, "train")
    before = ways.run("show", name).stdout.split()[0]
    ended = ways.run("confusions", name)
    assert ended.returncode == 0, ended.stdout
    file = ways.prompts / name / "confusions.json"
    assert all({one["label"], one["other"]} <= set(LABELS) for one in read_json(file))
    assert ways.run("show", name).stdout.split()[0] != before, "part of the spec from now on"
    assert ways.run("plan", name).returncode == 0


def test_labels_left_short_are_asked_for_again(ways: Factory) -> None:
    name = specialist(ways, "test/refilled", strategies={"label": 1.0}, refill=True, labels={
        key: value for key, value in LABELS.items() if key != NONE
    }, out_of_scope=None)  # fmt: skip
    build(ways, name, "clean")
    write = stage(ways, name, "write")
    further = [Cell.model_validate(value) for value in read_jsonl(write / "further.jsonl")]
    planned = read_jsonl(stage(ways, name, "plan") / "plan.jsonl")
    assert read_json(write / "summary.json")["of these asked again"] == len(further) > 0
    assert all(cell.avoid for cell in further)
    assert {cell.id for cell in further}.isdisjoint(Cell.model_validate(value).id for value in planned)
    cells = {row.lineage.cell for row in read_rows(write / "rows.jsonl")}
    assert {cell.id for cell in further} & cells
    asked = len(ways.teacher.asked)
    rows = (write / "rows.jsonl").read_bytes()
    again = ways.home / "builds" / name / "write" / write.name
    for file in again.iterdir():
        file.unlink()
    again.rmdir()
    build(ways, name, "write")
    assert (again / "rows.jsonl").read_bytes() == rows and len(ways.teacher.asked) == asked


def test_a_budget_stops_writing_and_judging_and_keeps_what_there_is(ways: Factory) -> None:
    name = specialist(ways, "test/limited", {"max_tokens": 2500, "judge": 40})
    told = build(ways, name, "dataset")
    assert "stopped by: max_tokens" in told
    summary = read_json(stage(ways, name, "write") / "summary.json")
    planned = read_json(stage(ways, name, "plan") / "summary.json")
    assert 0 < summary["requests not asked"] < planned["requests"]
    assert 1500 < summary["tokens read"] + summary["tokens written"] <= 2500  # no other request is sure to fit
    failed = read_jsonl(stage(ways, name, "write") / "failed.jsonl")
    assert len(failed) == summary["requests not asked"]
    assert {entry["reason"] for entry in failed} == {"not asked: stopped by max_tokens"}
    judged = read_json(stage(ways, name, "judge") / "summary.json")
    assert judged["stopped by"] == "max_tokens" and judged["texts judged"] + judged["requests not asked"] == 40
    assert open_version(stage(ways, name, "dataset")).manifest["origins"]["generated"] > 0


def test_a_strategy_that_lacks_what_it_rests_on_is_told_before_anything_is_asked(ways: Factory) -> None:
    asked = len(ways.teacher.asked)
    name = specialist(ways, "test/groundless", strategies={"seed_grounded": 1.0}, unlabelled=None)
    ended = ways.run("build", name)
    assert ended.returncode == 1 and "seed_grounded rests on real text" in ended.stdout
    name = specialist(ways, "test/scopeless", strategies={"out_of_scope": 1.0}, out_of_scope=None)
    ended = ways.run("build", name)
    assert ended.returncode == 1 and "`out_of_scope`" in ended.stdout and "spec.yaml" in ended.stdout
    assert len(ways.teacher.asked) == asked
