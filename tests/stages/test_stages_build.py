"""A whole build of a small specialist: what it leaves, that it fits together, and that it is never made twice."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import zoo
from factory.dataset.version import open_version
from factory.evidence.calibration import probabilities
from factory.evidence.records import Promise, read_evidence
from factory.files import read_json
from factory.row import read_rows
from factory.stage import inputs_of
from factory.stages import STAGES
from factory.stages.classifying import Classifying
from factory.students.lesson import Recipe
from tests import shop
from tests.conftest import NAME, Factory
from zoo.manifest import WEIGHTS

pytestmark = pytest.mark.real


def test_every_stage_says_where_its_output_is(built: Factory) -> None:
    out = (built.home / "out.txt").read_text()
    for name in STAGES:
        assert f"\n{name}: {built.stage(name)}\n" in f"\n{out}"
        assert inputs_of(built.stage(name))
    assert "Warning" not in out and "WARNING" not in out and "Traceback" not in out
    left = [path for path in (built.home / "builds").rglob(".*") if path.name.endswith(".part")]
    assert left == []


def test_no_row_is_lost_on_the_way(built: Factory) -> None:
    written = read_rows(built.stage("write") / "rows.jsonl")
    assert len(written) == 36
    kept, dropped = (read_rows(built.stage("clean") / f"{name}.jsonl") for name in ("kept", "dropped"))
    assert len(kept) + len(dropped) == len(written) + 12 + 30
    assert all(not row.verdicts[-1].passed and row.verdicts[-1].reason for row in dropped)
    last = read_rows(built.stage("review") / "kept.jsonl") + read_rows(built.stage("review") / "dropped.jsonl")
    assert {row.id for row in last} == {row.id for row in kept}
    assert open_version(built.stage("dataset")).manifest["dropped"] == Counter(
        row.verdicts[-1].check for row in dropped
    )


def test_every_written_row_can_be_asked_for_again(built: Factory) -> None:
    for row in read_rows(built.stage("write") / "rows.jsonl"):
        assert row.origin == "generated" and set(row.attributes) == {"tone", "length"}
        lineage = row.lineage
        assert lineage.cell and lineage.prompt and lineage.reply and lineage.teacher == "loopback@127.0.0.1"
        assert lineage.source  # the passages shown


def test_every_row_that_is_trained_on_has_a_distribution(built: Factory) -> None:
    rows = read_rows(built.stage("review") / "kept.jsonl")
    for row in rows:
        assert sum(row.distribution().values()) == pytest.approx(1.0)
        assert row.weight == (1.0 if row.origin == "reviewed" else 0.5)
        assert row.label == max(row.distribution(), key=row.distribution().__getitem__)
    assert Counter(row.origin for row in rows)["reviewed"] == 30
    right = [row.label == shop.label_of(row.text) for row in rows]
    assert sum(right) / len(right) > 0.85


def test_the_dataset_opens_with_datasets_alone(built: Factory, tmp_path: Path) -> None:
    import datasets

    version = open_version(built.stage("dataset"))
    published = built.home / "hub" / "datasets" / NAME / version.version
    found = datasets.load_dataset(str(published), cache_dir=str(tmp_path))
    assert {name: len(split) for name, split in found.items()} == version.manifest["splits"]
    assert found["train"].features["label"].names == list(shop.WORDS)
    assert set(found["train"]["id"]) == {row.id for row in version.rows("train")}


def test_no_gold_text_is_trained_on(built: Factory) -> None:
    gold = {json.loads(line)["text"] for line in (built.gold / "test/shop/validation.jsonl").read_text().splitlines()}
    version = open_version(built.stage("dataset"))
    assert not gold & {row.text for split in ("train", "held_out") for row in version.rows(split)}


def test_the_evidence_has_everybody_on_the_same_rows(built: Factory) -> None:
    records = read_evidence(built.stage("evaluate") / "evidence.jsonl")
    students = {f"student:{built.weights}", "student:fp32"}
    opponents = {"majority", "tfidf", "static", "reviewed_only", "teacher", "teacher:weaker prompt", "few_shot"}
    accuracy = {r.who: r for r in records if getattr(r, "metric", "") == "accuracy" and not hasattr(r, "against")}
    assert set(accuracy) == students | opponents
    assert {record.n for record in accuracy.values()} == {60}
    assert len({record.rows for record in accuracy.values()}) == 1
    assert accuracy["teacher"].value == 1.0  # it knows the answers
    assert accuracy["reviewed_only"].what.endswith("reviewed rows, by torch")
    assert accuracy["majority"].value == pytest.approx(1 / 3, abs=0.01)
    compared = {record.against for record in records if hasattr(record, "against")}
    assert compared == opponents
    (promise,) = (record for record in records if isinstance(record, Promise))
    manifest = zoo.load(NAME, hub=built.home / "hub").manifest
    assert (promise.who, promise.risk, promise.threshold) == (f"student:{built.weights}", 0.1, manifest.threshold)
    assert manifest.risk == 0.1 and promise.answers == 60
    for name in ("report.html", "report.md"):
        report = (built.stage("evaluate") / name).read_text()
        assert "shop" in report and promise.sentence in report


def test_the_evidence_says_where_it_is_weak_what_it_bears_and_what_it_takes(built: Factory) -> None:
    records = read_evidence(built.stage("evaluate") / "evidence.jsonl")
    own: dict[str, list[Any]] = {}
    for record in records:
        own.setdefault(record.kind, []).append(record)
    assert sum(one.n for one in own["slice"] if one.by == "length") == 60
    assert {one.perturbation for one in own["robustness"]} == {"typos", "upper case", "lower case", "no punctuation"}
    about = {one.who for one in own["slice"] + own["robustness"] + own["footprint"] + own["cost"]}
    assert about == {f"student:{built.weights}"}
    (taken,) = own["footprint"]
    folder = built.stage("evaluate") / "candidate"
    assert (folder / WEIGHTS[built.weights]).stat().st_size < taken.disk_bytes < taken.peak_bytes
    history = read_json(built.stage("train") / "training.json")["epochs"]
    assert [one.held_out for one in own["learned"]] == [one["held_out"] for one in history]
    assert sum(one.kept for one in own["learned"]) == 1
    heads = read_json(built.stage("train") / "training.json")["heads"]
    kept = min(heads, key=lambda one: one["held_out"])
    told = read_json(built.stage("train") / "summary.json")
    assert told["held-out loss"] == kept["held_out"]
    assert told["head"] == (f"fitted anew, penalty {kept['penalty']:g}" if kept["penalty"] else "as trained")
    page = (built.stage("evaluate") / "report.html").read_text()
    assert page.count("<svg ") >= 3 and "What careless typing costs" in page


def test_the_gate_says_what_its_lines_say(built: Factory) -> None:
    gate = read_json(built.stage("evaluate") / "gate.json")
    lines = [r for r in read_evidence(built.stage("evaluate") / "evidence.jsonl") if hasattr(r, "requirement")]
    assert gate["passed"] and all(line.passed for line in lines)
    assert gate["lines"] == [line.sentence for line in lines]
    assert len(lines) == 2


def test_the_zoo_loads_it_from_the_hub(built: Factory) -> None:
    specialist = zoo.load(NAME, hub=built.home / "hub")
    gold = [json.loads(line) for line in (built.gold / "test/shop/validation.jsonl").read_text().splitlines()]
    found = specialist.predict([row["text"] for row in gold])
    right = sum(answer.label == row["label"] for answer, row in zip(found, gold, strict=True)) / len(gold)
    summary = read_json(built.stage("evaluate") / "summary.json")
    assert right == pytest.approx(
        summary[f"student:{built.weights}"], abs=1e-4
    )  # what is published is what was measured


def test_exports_are_read_as_the_zoo_reads_them_whatever_torch_runs_on(
    built: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("factory.students.encoder.default_device", lambda: "meta")  # not the processor, as a GPU is not
    folder, recipe = built.stage("train"), Recipe(str(built.encoder), tuple(shop.WORDS), max_tokens=64)
    specialist, texts = zoo.load(NAME, hub=built.home / "hub"), [row.text for row in built.gold_rows()[:4]]
    assert isinstance(specialist, zoo.Classifier)
    logits = np.concatenate(Classifying().logits(folder, recipe, texts, folder / WEIGHTS[built.weights]))
    p = probabilities(logits, specialist.manifest.temperature)
    assert p == pytest.approx(specialist.predict_proba(texts), abs=1e-5)


def _times(built: Factory) -> dict[Path, int]:
    """When each thing that builds left was made; of a finished stage's folder that is when it was found last."""
    left = (built.home / "builds").rglob("*")
    return {path: 0 if (path / "inputs.json").exists() else path.stat().st_mtime_ns for path in left}


def test_a_second_build_makes_nothing_and_asks_nothing(built: Factory) -> None:
    asked = len(built.teacher.asked)
    files = _times(built)
    again = built.run("build", NAME)
    assert again.returncode == 0, again.stdout
    assert all(f"{name} (was there): {built.stage(name)}" in again.stdout for name in STAGES)
    assert len(built.teacher.asked) == asked
    assert _times(built) == files
    assert [path.name for path in (built.home / "hub" / NAME).glob("[!.]*")] == ["1.0.0"]


def test_a_judge_with_no_budget_says_nothing_and_spoils_nothing(factory: Factory, tmp_path: Path) -> None:
    made = dataclasses.replace(factory, home=tmp_path / "home", prompts=tmp_path / "prompts", gold=tmp_path / "gold")
    budget = {"generate": 24, "label": 24, "judge": 0, "review": 8, "epochs": 1}
    made.specialist("test/unjudged", budgets={"quick": budget, "full": budget})
    ended = made.run("build", "test/unjudged", "--until", "dataset")
    assert ended.returncode == 0, ended.stdout
    assert "texts judged" not in ended.stdout and "shown to people: 8" in ended.stdout
    [version] = (tmp_path / "home" / "builds" / "test/unjudged" / "dataset").glob("[!.]*")
    rows = open_version(version).rows("train")
    assert {row.origin for row in rows} == {"generated", "unlabelled", "reviewed"}
    assert all(row.distribution() for row in rows)
