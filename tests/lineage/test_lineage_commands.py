"""`ledger`, `lineage`, `diff` and `explain` on a real build of a small specialist."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from factory import settings
from factory.dataset.croissant import FILE as CROISSANT
from factory.dataset.version import open_version
from factory.files import file_sha256, read_json, read_jsonl
from factory.lineage import ledger
from factory.lineage.trace import trace
from factory.publish.datasets import find
from factory.row import read_rows
from factory.services.hub.server import running
from tests.conftest import ENTERED, NAME, Factory
from zoo.manifest import Manifest

pytestmark = pytest.mark.real


def copy(built: Factory, to: Path) -> Factory:
    """The same builds and hub in another home, to be spoilt."""
    for name in ("builds", "hub"):
        shutil.copytree(built.home / name, to / name)
    return built.elsewhere(to)


def test_every_stage_was_entered_in_order(built: Factory) -> None:
    entries = ledger.read(built.home / "builds" / NAME).entries
    assert [entry.stage for entry in entries] == list(ENTERED)
    assert {entry.event for entry in entries} == {ledger.FINISHED}
    for entry in entries:
        folder = built.stage(entry.stage)
        assert entry.key == folder.name
        assert entry.inputs.items() <= read_json(folder / "inputs.json").items()
    said = built.run("ledger", NAME)
    assert said.returncode == 0 and all(entry.output in said.stdout for entry in entries)
    assert str(built.home) not in (built.home / "builds" / NAME / ledger.FILE).read_text()
    proof = built.run("ledger", NAME, "--verify")
    assert proof.returncode == 0, proof.stdout
    assert f"{len(ENTERED)} entries, each following from the one before" in proof.stdout


def test_what_was_changed_and_what_was_cleaned_up_is_told_apart(built: Factory, tmp_path: Path) -> None:
    shop = copy(built, tmp_path / "home")
    with (shop.stage("review") / "kept.jsonl").open("a") as file:
        file.write("\n")
    cleaned = shop.stage("judge")
    shutil.rmtree(cleaned)
    ended = shop.run("ledger", NAME, "--verify")
    assert ended.returncode == 1 and "Traceback" not in ended.stdout
    assert f"do not agree in 1 places.\n  - review:{shop.stage('review').name}: kept.jsonl was changed" in ended.stdout
    assert f"judge:{cleaned.name} was cleaned up" in ended.stdout
    traced = shop.run("lineage", NAME)
    assert traced.returncode == 0 and "PROBLEMS" in traced.stdout and "cleaned up" in traced.stdout


def test_a_build_older_than_the_ledger_is_entered_when_it_is_used(built: Factory, tmp_path: Path) -> None:
    shop = copy(built, tmp_path / "home")
    for name in (ledger.FILE, ledger.HEAD):
        (shop.home / "builds" / NAME / name).unlink()
    assert "Nothing was entered yet" in shop.run("ledger", NAME).stdout
    ended = shop.run("build", NAME, "--until", "plan", FACTORY_OPERATOR="ann")
    assert ended.returncode == 0, ended.stdout
    (entry,) = ledger.read(shop.home / "builds" / NAME).entries
    assert (entry.event, entry.stage, entry.operator) == (ledger.FOUND, "plan", "ann")


def test_lineage_goes_back_to_the_plan(built: Factory) -> None:
    said = built.run("lineage", f"{NAME}@1.0.0")
    assert said.returncode == 0, said.stdout
    assert "PROBLEMS" not in said.stdout and "Not found" not in said.stdout
    found = trace(NAME, built.settings)
    assert {step.output.partition(":")[0] for step in found.stages} == set(ENTERED)
    assert {step.state for step in found.stages} == {"as entered"}
    places = [step.output for step in found.stages]
    for step in found.stages:
        assert all(places.index(before) > places.index(step.output) for before in step.inputs.values())
    version = open_version(built.stage("dataset"))
    assert found.dataset and found.dataset["version"] == version.version == found.made_from["dataset"]
    assert found.people == {"simulated": 30}
    assert found.gold["file"] == f"sha256:{file_sha256(built.gold / 'test/shop/validation.jsonl')}"
    assert found.cited == len(ENTERED) - 2  # the last before publish
    assert all(line["passed"] for line in found.gate) and len(found.gate) == 2
    told = json.loads(built.run("lineage", NAME, "--json").stdout)
    assert told["specialist"] == f"{NAME}@1.0.0" and told["not_found"] == []
    assert {record["who"] for record in told["evidence"]} >= {f"student:{built.weights}", "teacher", "tfidf"}


def test_lineage_without_builds_says_what_cannot_be_told(built: Factory, tmp_path: Path) -> None:
    shop = copy(built, tmp_path / "home")
    shutil.rmtree(shop.home / "builds" / NAME / "dataset")
    shutil.rmtree(shop.home / "builds" / NAME / "write")
    with_ledger = trace(NAME, shop.settings)
    assert {step.output.partition(":")[0] for step in with_ledger.stages} == set(ENTERED)
    assert {step.output.partition(":")[0] for step in with_ledger.stages if step.state == "cleaned up"} == {
        "dataset",
        "write",
    }
    assert with_ledger.dataset  # from the hub
    shutil.rmtree(shop.home / "builds")
    nothing = trace(NAME, shop.settings)
    assert nothing.stages == [] and nothing.dataset and nothing.evidence
    assert len(nothing.not_found) == 3 and nothing.problems == []
    assert "Not found" in shop.run("lineage", NAME).stdout


def test_a_ledger_that_is_not_the_one_cited_is_a_problem(built: Factory, tmp_path: Path) -> None:
    shop = copy(built, tmp_path / "home")
    root = shop.home / "builds" / NAME
    for name in (ledger.FILE, ledger.HEAD):
        (root / name).unlink()
    assert shop.run("build", NAME, "--until", "plan").returncode == 0  # a whole new ledger, sound in itself
    assert ledger.read(root).problems == []
    assert any("cites" in problem for problem in trace(NAME, shop.settings).problems)


def test_a_specialist_that_is_not_there_is_told(built: Factory) -> None:
    for wanted in (f"{NAME}@9.0.0", "test/shoe", "nonsense"):
        ended = built.run("lineage", wanted)
        assert ended.returncode == 1 and ended.stdout.startswith("error: "), ended.stdout


def test_diff_of_versions_by_every_name_they_have(built: Factory, tmp_path: Path) -> None:
    other = built.specialist("test/smaller", budgets={name: _less() for name in ("quick", "full")})
    ended = built.run("build", other, "--until", "dataset")
    assert ended.returncode == 0, ended.stdout
    (folder,) = (built.home / "builds" / other / "dataset").glob("[!.]*")
    a, b = open_version(built.stage("dataset")), open_version(folder)
    out = tmp_path / "differences.jsonl"
    ended = built.run("diff", f"{NAME}@{a.version[:6]}", f"{other}@{b.version[2:]}", "--jsonl", str(out))
    assert ended.returncode == 0, ended.stdout
    ids = [{row.id for part in ("train", "held_out") for row in version.rows(part)} for version in (a, b)]
    lines = read_jsonl(out)
    assert {line["id"] for line in lines if line["change"] == "removed"} == ids[0] - ids[1]
    assert {line["id"] for line in lines if line["change"] == "added"} == ids[1] - ids[0]
    same = built.run("diff", NAME, "1.0.0", a.version)
    assert same.returncode == 0 and "Their rows are the same." in same.stdout
    for arguments, said in {
        (NAME, "d-000000000000", a.version): a.version,
        (NAME, "2.0.0", a.version): "1.0.0",
        (a.version, b.version): "does not say of which specialist",
        (NAME, "yesterday", "today"): "no dataset version 'yesterday'",
        (a.version,): "takes two versions",
    }.items():
        ended = built.run("diff", *arguments)
        assert ended.returncode == 1 and said in ended.stdout and "Traceback" not in ended.stdout, ended.stdout


def test_a_dataset_version_is_fetched_from_a_server(
    built: Factory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from factory.publish.hub import open_hub

    version = open_version(built.stage("dataset"))
    with running(tmp_path / "served") as hub:
        published = built.home / "hub" / "datasets" / NAME / version.version
        open_hub(hub.address, hub.token).publish_dataset(published)
        for name, value in {"HOME": str(tmp_path / "home"), "HUB": hub.address}.items():
            monkeypatch.setenv(f"FACTORY_{name}", value)
        monkeypatch.setenv("HF_TOKEN", hub.token)
        found = find(f"{NAME}@{version.version[:5]}", settings.load(), tmp_path / "into")
        assert found.rows("train") == version.rows("train")
    assert (tmp_path / "into" / version.version / CROISSANT).is_file()


def test_what_is_published_cites_the_ledger_and_carries_croissant(built: Factory) -> None:
    manifest = Manifest.read(built.home / "hub" / NAME / "1.0.0")
    book = ledger.read(built.home / "builds" / NAME)
    assert book.entries[-1].previous == manifest.lineage["ledger"] == book.hashes[-2]
    version = open_version(built.stage("dataset"))
    published = open_version(built.home / "hub" / "datasets" / NAME / version.version)
    assert CROISSANT in published.manifest["files"] and CROISSANT not in version.manifest["files"]
    assert published.manifest["hash"] == version.manifest["hash"]


def test_explain_leaves_stages_at_work_alone(built: Factory, tmp_path: Path) -> None:
    shop = copy(built, tmp_path / "home")
    part = shop.stage("clean").with_name(".0123456789abcdef.part")
    shutil.copytree(shop.stage("clean"), part)
    with (part / "kept.jsonl").open("a") as file:
        file.write('{"id": "')
    row = read_rows(shop.stage("clean") / "kept.jsonl")[0]
    ended = shop.run("explain", row.id)
    assert ended.returncode == 0, ended.stdout
    assert ".part" not in ended.stdout and f"In clean/{shop.stage('clean').name}/kept.jsonl" in ended.stdout


def _less() -> dict[str, int]:
    return {"generate": 24, "label": 6, "judge": 20, "review": 20, "measure_teacher": 0, "epochs": 1}
