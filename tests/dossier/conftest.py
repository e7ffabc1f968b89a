"""A published specialist with everything behind it that papers are made from: small, and of real parts."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from factory import settings
from factory.dataset.version import DatasetVersion
from factory.dossier.make import make
from factory.evidence.predictions import answers, write_predictions
from factory.evidence.records import AnyEvidence, write_evidence
from factory.files import write_json, write_jsonl
from factory.lineage import ledger
from factory.publish.card import render
from factory.publish.folder_hub import FolderHub
from factory.publish.package import Trained, describe, package
from factory.row import read_gold
from factory.settings import Settings
from factory.spec import Spec
from factory.stage import Output, run
from tests.publish.conftest import dataset, evidence, model, spec, trained

__all__ = ["dataset", "evidence", "model", "spec", "trained"]  # fixtures

NAME = "test/mood"
GOLD = [("g1", "a sad note, write to ann@example.com", "sad"), ("g2", "a glad note", "glad"), ("g3", "a note", "calm")]
CLEAN = [
    {"check": "schema", "seen": 44, "asked": 44, "dropped": 0, "reasons": {}},
    {"check": "roles", "seen": 44, "asked": 40, "dropped": 4, "reasons": {"names its label": 3, "agent": 1}},
]


@pytest.fixture
def where(tmp_path: Path, spec: Spec, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings over folders of the test's own."""
    for name, folder in (("HOME", "home"), ("PROMPTS", "prompts"), ("GOLD", "gold"), ("ENVIRONMENTS", "none")):
        monkeypatch.setenv(f"FACTORY_{name}", str(tmp_path / folder))
    monkeypatch.delenv("FACTORY_HUB", raising=False)
    gold = tmp_path / "gold" / NAME / "validation.jsonl"
    write_jsonl(gold, ({"id": key, "text": text, "label": label} for key, text, label in GOLD))
    return settings.load()


@pytest.fixture
def published(
    where: Settings, spec: Spec, trained: Trained, dataset: DatasetVersion, evidence: list[AnyEvidence], tmp_path: Path
) -> str:
    """test/mood@1.0.0 on the hub, with the stages clean, review, dataset, evaluate and publish in the ledger."""
    root, gold = where.builds / NAME, where.gold / NAME / "validation.jsonl"

    def stage(name: str, inputs: dict[str, Any], work: Callable[[Path], object]) -> Output:
        output = run(root, name, inputs, work)
        ledger.enter(root, output, "tester")
        return output

    def clean(out: Path) -> None:
        write_json(out / "statistics.json", CLEAN)
        for file in ("kept.jsonl", "dropped.jsonl"):
            write_jsonl(out / file, [])

    def version(out: Path) -> None:
        for name in ("manifest.json", *dataset.manifest["files"]):
            (out / name).parent.mkdir(parents=True, exist_ok=True)
            (out / name).write_bytes((dataset.path / name).read_bytes())
        write_json(out / "summary.json", {"version": dataset.version})

    def evaluate(out: Path) -> None:
        rows = read_gold(gold, list(spec.labels))
        scores = [{"glad": 0.9, "sad": 0.1}, {"glad": 0.8}, {"sad": 0.7}]
        said = answers("student:int8", rows, ["glad", "glad", "sad"], scores=scores)
        write_predictions(out / "predictions" / "student_int8.jsonl", said)
        write_evidence(out / "evidence.jsonl", evidence)
        write_json(out / "gate.json", {"passed": True, "lines": ["17.5 points."]})

    def publish(out: Path) -> None:
        head = ledger.read(root).following[1]
        made = replace(trained, lineage={**trained.lineage, "encoder": "all-minilm-l6-v2@sha256:53aa", "ledger": head})
        manifest = describe(made, spec, "1.0.0")
        card = render(manifest, spec, dataset.manifest, evidence)
        lines = [record.model_dump(mode="json") for record in evidence]
        package(made, manifest, card=card, evidence=lines, out=out / "specialist")
        FolderHub(Path(where.hub)).publish(out / "specialist")
        write_json(out / "summary.json", {"version": "1.0.0"})

    cleaned = stage("clean", {"spec": spec.data_identity}, clean)
    looked = stage("review", {"clean": cleaned}, lambda out: write_json(out / "statistics.json", []))
    made = stage("dataset", {"review": looked}, version)
    measured = stage("evaluate", {"dataset": made, "gold": gold}, evaluate)
    stage("publish", {"evaluate": measured, "dataset": made}, publish)
    return f"{NAME}@1.0.0"


@pytest.fixture
def dossier(published: str, where: Settings, tmp_path: Path) -> Iterator[Path]:
    """Its dossier; and /records and the rest as a test may spoil them."""
    yield make(published, where, tmp_path / "dossier")


def edit(path: Path, change: Callable[[Any], object]) -> None:
    """Change a JSON file."""
    value = json.loads(path.read_text())
    change(value)
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def swap(path: Path, old: str, new: str) -> None:
    """Replace the first place of a text that has to be there."""
    text = path.read_text()
    assert old in text, f"{path.name} lacks {old!r}"
    path.write_text(text.replace(old, new, 1))
