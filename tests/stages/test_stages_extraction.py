"""A whole build of a small specialist of kind extraction: its dataset, its student, and what answers from the hub."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

import zoo
from factory import spec as specs
from factory.dataset.version import open_version
from factory.evidence.predictions import read_predictions
from factory.evidence.records import ClassFigures
from factory.files import read_json, read_jsonl
from factory.gold import read_gold
from factory.publish.family import collect
from factory.publish.hub import open_hub
from factory.record import problem, settle
from factory.row import read_rows
from factory.spec_field import record_schema
from tests import registry
from tests.conftest import Factory
from tests.stages import whole

pytestmark = pytest.mark.real
NAME = "test/registry"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Factory]:
    yield from whole.build(tmp_path_factory.mktemp("registry"), NAME, registry, 0.02)


def stage(built: Factory, name: str) -> Path:
    return whole.stages(built, NAME)(name)


def test_texts_come_with_their_records_and_what_does_not_hold_is_dropped(built: Factory) -> None:
    cells = read_jsonl(stage(built, "plan") / "plan.jsonl")
    assert {"none", *registry.FIELDS} <= {cell["label"] for cell in cells}
    rows = read_rows(stage(built, "write") / "rows.jsonl")
    failed = read_jsonl(stage(built, "write") / "failed.jsonl")
    assert len(rows) + len(failed) == 60
    assert failed and all("1 texts without a record that can be read" in one["reason"] for one in failed)
    broken = [row for row in rows if row.record != registry.record_of(row.text)]
    assert broken and all(row.record and row.record["due"] == "next week" for row in broken)
    dropped = {row.id: row for row in read_rows(stage(built, "clean") / "dropped.jsonl")}
    for row in broken:
        assert dropped[row.id].record == row.record, "a record that does not hold stays as it was said"
        assert dropped[row.id].verdicts[-1].check == "record"
        assert dropped[row.id].verdicts[-1].reason.startswith("not by the schema: due is 'next week'")


def test_real_texts_are_read_by_the_teacher_and_people_are_believed(built: Factory) -> None:
    kept = read_rows(stage(built, "review") / "kept.jsonl")
    origins = Counter(row.origin for row in kept)
    assert origins["reviewed"] > 20 and origins["example"] == 2 and origins["unlabelled"] > 0
    for row in kept:
        said = registry.record_of(row.text)
        if "told" in row.attributes:
            assert row.record == {name: said[name] for name in row.attributes["told"].split(", ")}
        elif row.origin != "example":
            assert row.record == said, "quoted in capitals, taken as the text has it"
        assert row.weight == (1.0 if row.origin in ("reviewed", "example") else 0.5)
    assert any(row.record == {"borrower": ["Hugo Prandt"], "due": "1999-05-03"} for row in kept)
    dropped = read_rows(stage(built, "review") / "dropped.jsonl")
    refused = [row.verdicts[-1].reason for row in dropped if row.origin == "unlabelled"]
    assert refused and set(refused) == {"not read out: not in the text: borrower: 'Nobody Atall'"}
    lines = read_jsonl(stage(built, "judge") / "judgements.jsonl")
    assert all((line["record"] is None) == bool(line["failure"]) for line in lines)
    assert any("Nobody Atall" in (line["said"] or {}).get("borrower", []) for line in lines)


def test_agreement_is_told_by_field_and_by_row(built: Factory) -> None:
    summary = read_json(stage(built, "review") / "summary.json")
    assert summary["teacher's F1 on people's fields"] == 1.0, "what does not hold is not compared"
    assert set(summary["rows in which a field is as people have it"]) == set(registry.FIELDS)
    audit = summary["audit"]
    assert audit["value"] == 1.0 and 0 < audit["low"] < 1 and audit["n"] < 24


def test_no_row_is_lost_on_the_way(built: Factory) -> None:
    whole.assert_no_row_is_lost(whole.stages(built, NAME), 24 + 24 + 2)


def test_the_dataset_opens_with_datasets_alone(built: Factory, tmp_path: Path) -> None:
    found, rows = whole.opened_by_datasets(stage(built, "dataset"), tmp_path)
    assert not {"label", "soft", "spans"} & set(found["train"].column_names)
    assert rows == {row.id: row for row in read_rows(stage(built, "review") / "kept.jsonl")}
    declared = open_version(stage(built, "dataset")).manifest["schema"]
    schema = Draft202012Validator(declared)
    schema.check_schema(declared)
    for split in found.values():
        for value in split:
            record = rows[value["id"]].record
            assert json.loads(value["record"]) == record and not list(schema.iter_errors(record))
            assert {name: one for name, one in value["fields"].items() if one is not None} == record


def test_the_card_and_the_metadata_speak_of_records(built: Factory, tmp_path: Path) -> None:
    version = open_version(stage(built, "dataset"))
    card = (version.path / "README.md").read_text()
    assert "information-extraction" in card and "| `record` |" in card and "| `soft` |" not in card
    assert "2020-12" in card and "## Fields" in card and "no machine has checked" in card
    manifest = version.manifest
    assert manifest["kind"] == "extraction" and manifest["per_label"]["due"] > 0
    for row, value in whole.opened_by_croissant(version, tmp_path):
        assert json.loads(value["record"]) == row.record


def test_what_the_cells_yielded_is_told_by_field(built: Factory) -> None:
    ended = built.run("coverage", NAME)
    assert ended.returncode == 0 and "borrower" in ended.stdout, ended.stdout


def test_the_evidence_has_everybody_on_the_same_rows(built: Factory) -> None:
    opponents = {"nearest", "frequent", "reviewed_only", "teacher", "teacher:weaker prompt", "few_shot"}
    records = whole.assert_everybody_is_measured(built, NAME, "field_f1", opponents)
    own = f"student:{whole.weights(built, NAME)}"
    fields = {one.label for one in records if isinstance(one, ClassFigures) and one.who == own}
    assert fields == set(registry.FIELDS)
    report = (stage(built, "evaluate") / "report.md").read_text()
    assert "Field by field" in report and "Values known from the same rows" in report


def test_the_zoo_loads_it_from_the_hub_and_it_answers_with_records(built: Factory, tmp_path: Path) -> None:
    specialist = zoo.load(NAME, hub=built.home / "hub")
    assert isinstance(specialist, zoo.Extractor) and specialist.labels == tuple(registry.FIELDS)
    told = read_predictions(stage(built, "evaluate") / "predictions" / f"student_{whole.weights(built, NAME)}.jsonl")
    spec = specs.load(NAME, built.prompts)
    rows = read_gold(built.gold / NAME / "validation.jsonl", spec.labels, "extraction", spec.fields)
    answers = specialist.predict([row.text for row in rows[:6]])
    assert [dict(one.values) for one in answers] == told.predicted[:6]  # what is published is what was measured
    assert (
        "| field F1 (normalised) | version |"
        in collect(open_hub(str(built.home / "hub")), [NAME], tmp_path / "cards").read_text()
    )
    schema = Draft202012Validator(record_schema(spec.fields))
    assert all(schema.is_valid(said) for said in told.predicted)


def test_people_answer_in_files_and_the_versions_differ_by_that(built: Factory) -> None:
    folder = built.home / "review" / NAME / "v1"
    shown = read_jsonl(folder / "to_review.jsonl")
    assert {line["reason"] for line in shown} == {"audit", "coverage"}
    assert all(line["suggestion"] is None for line in shown if line["reason"] == "audit")
    first, second, third, fourth, *_ = (line for line in shown if line["suggestion"])
    lines = [
        {"row_id": first["row_id"], "record": json.loads(first["suggestion"])},
        {"row_id": second["row_id"], "record": '{"shelf": "cellar"}'},
        {"row_id": third["row_id"], "record": None, "problem": "unusable"},
        {"row_id": fourth["row_id"], "record": {"borrower": ["Nobody Atall"]}},
    ]
    before = open_version(stage(built, "dataset")).version
    answers = folder / "answers.jsonl"
    answers.write_text("".join(json.dumps(line) + "\n" for line in lines))
    ended = built.run("build", NAME, "--until", "dataset")
    assert ended.returncode == 0, ended.stdout
    newest = max((built.home / "builds" / NAME / "review").glob("[!.]*"), key=lambda path: path.stat().st_mtime)
    kept, dropped = ({row.id: row for row in read_rows(newest / f"{n}.jsonl")} for n in ("kept", "dropped"))
    assert kept[first["row_id"]].lineage.was is None and kept[first["row_id"]].origin == "reviewed"
    assert kept[second["row_id"]].record == {"shelf": "cellar"}
    assert kept[second["row_id"]].lineage.was == second["suggestion"]
    assert dropped[third["row_id"]].verdicts[-1].check == "review"
    summary = read_json(newest / "summary.json")
    assert summary["answered by people"] == 3 and "not in the text: borrower" in summary["problems"][0]
    after = max((built.home / "builds" / NAME / "dataset").glob("[!.]*"), key=lambda path: path.stat().st_mtime)
    ended = built.run("diff", f"{NAME}@{before}", f"{NAME}@{open_version(after).version}")
    assert ended.returncode == 0 and "With another label" in ended.stdout, ended.stdout
    ended = built.run("explain", second["row_id"])
    assert 'record     {"shelf": "cellar"}  (was ' in ended.stdout, ended.stdout


def test_drawn_values_rows_like_peoples_and_examples_of_theirs(built: Factory, tmp_path: Path) -> None:
    fields = {**registry.FIELDS, "borrower": {**registry.FIELDS["borrower"], "samples": registry.PEOPLE}}
    registry.make_specialist(
        tmp_path / "prompts" / NAME,
        tmp_path / "gold",
        {
            "fields": fields,
            "strategies": {"drawn": 0.5, "replaced": 0.5},
            "student": {"encoder": str(built.encoder)},
            "teacher": {"model": "loopback", "rows_per_request": 4, "concurrency": 2, "shots": True},
            "reads": "like_people",
            "hygiene": {"balance": 1.0, "near_duplicate": 0.97},
        },
    )
    made = dataclasses.replace(built, home=tmp_path / "home", prompts=tmp_path / "prompts", gold=tmp_path / "gold")
    ended = made.run("build", NAME, "--until", "review")
    assert ended.returncode == 0, ended.stdout
    cells = read_jsonl(stage(made, "plan") / "plan.jsonl")
    drawn = [told["record"] for cell in cells for told in cell["told"] if cell["strategy"] == "drawn"]
    written = read_rows(stage(made, "write") / "rows.jsonl")
    rows, replaced = ([row for row in written if row.attributes["strategy"] == name] for name in ("drawn", "replaced"))
    assert rows and len(rows) + len(replaced) == len(written)
    assert len(replaced) == sum(cell["count"] for cell in cells if cell["strategy"] == "replaced") > 20
    for row in replaced:  # nobody wrote them, and what they say holds
        assert not problem(specs.load(NAME, made.prompts).fields, row.text, row.record) and not row.lineage.teacher
    kept = read_rows(stage(made, "review") / "kept.jsonl")
    assert sum(row.attributes.get("strategy") == "replaced" for row in kept) > len(replaced) / 2
    assert all(
        row.record in [settle(specs.load(NAME, made.prompts).fields, row.text, one)[0] for one in drawn] for row in rows
    )
    failed = read_jsonl(stage(made, "write") / "failed.jsonl")
    assert failed and all("that do not say what was drawn for them" in one["reason"] for one in failed)
    assert len(rows) + len(failed) == sum(cell["count"] for cell in cells if cell["strategy"] == "drawn")
    lines = read_jsonl(stage(made, "judge") / "judgements.jsonl")
    assert sum(line["record"] is not None for line in lines) > 20, "asked after rows with people's records"
    statistics = {one["check"]: one for one in read_json(stage(made, "review") / "statistics.json")}
    assert statistics["balance"]["seen"] > 24
    whole.assert_no_row_is_lost(whole.stages(made, NAME), 24 + 24 + 2)
