"""What holds of a whole build of a specialist that writes, whatever its kind: helpers of the tests beside."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from factory.dataset import croissant
from factory.dataset.version import DatasetVersion, open_version
from factory.evidence.records import AnyEvidence, Comparison, GateLine, Record, read_evidence
from factory.evidence.report import METRICS
from factory.files import read_json
from factory.row import Row, read_rows
from factory.students.export import FP32, INT8
from tests import shop, tiny_encoder, tiny_llama
from tests.conftest import Factory


def build(base: Path, name: str, place: ModuleType, least: float) -> Iterator[Factory]:
    """A factory in which the small specialist of a module (registry, lost) is built: a tiny Llama learns to write.

    Its gate asks for `least`.
    """
    encoder = tiny_encoder.make(base / "tiny-encoder", place.every_text(), hidden=64)
    causal = tiny_llama.make(base / "tiny-llama", place.every_text(), layers=1)
    teacher = shop.Teacher(answer=place.teach)
    made = Factory(base / "home", base / "prompts", base / "gold", teacher, encoder)
    recipe = {"recipe": "full", "learning_rate": 0.1, "max_tokens": 160}  # adapters on random weights learn little
    student = {"encoder": str(encoder), "base": str(causal), **recipe}
    place.make_specialist(made.prompts / name, made.gold, {"student": student, "gate": [{"at_least": least}]})
    ended = made.run("build", name)
    assert ended.returncode == 0, ended.stdout
    yield made
    teacher.stop()


def stages(built: Factory, name: str) -> Callable[[str], Path]:
    """From a stage's name to the folder of the one finished run of it."""

    def stage(of: str) -> Path:
        (found,) = (built.home / "builds" / name / of).glob("[!.]*")
        return found

    return stage


def weights(built: Factory, name: str) -> str:
    """Which export of a specialist's student is published; see Factory.weights."""
    found: str = read_json(stages(built, name)("train") / "exports.json")["weights"]
    return found


def assert_everybody_is_measured(built: Factory, name: str, metric: str, opponents: set[str]) -> list[AnyEvidence]:
    """The evidence has the student, its opponents and comparisons on all gold rows, and the gate was passed by it."""
    folder = stages(built, name)("evaluate")
    records = read_evidence(folder / "evidence.jsonl")
    found = {one.who: one for one in records if isinstance(one, Record) and one.metric == metric}
    own = f"student:{weights(built, name)}"
    assert set(found) == {own, "student:fp32"} | opponents
    assert len({(one.rows, one.n, one.sample) for one in found.values()}) == 1
    assert {one.against for one in records if isinstance(one, Comparison)} == opponents
    (line,) = (one for one in records if isinstance(one, GateLine))
    assert line.passed and line.value == found[own].value
    told = read_json(stages(built, name)("train") / "exports.json")
    assert told["parity"][FP32]["same_answer"] >= 0.9 and told["parity"][INT8]["same_answer"] > 0.5
    for report in ("report.html", "report.md"):
        said = (folder / report).read_text()
        assert METRICS[metric] in said and "accuracy" not in said.lower()
    return records


def assert_no_row_is_lost(stage: Callable[[str], Path], others: int) -> None:
    """Every row written, and so many others, is kept or dropped with a reason, by `clean` and then by `review`."""
    written = read_rows(stage("write") / "rows.jsonl")
    first, last = ([read_rows(stage(of) / f"{n}.jsonl") for n in ("kept", "dropped")] for of in ("clean", "review"))
    assert sum(map(len, first)) == len(written) + others
    assert {row.id for part in last for row in part} == {row.id for row in first[0]}
    for row in first[1] + last[1]:
        assert not row.verdicts[-1].passed and row.verdicts[-1].reason


def opened_by_datasets(folder: Path, cache: Path) -> tuple[Any, dict[str, Row]]:
    """A version as `datasets` opens it, and its rows by id, which are those of the stage."""
    import datasets

    version = open_version(folder)
    found = datasets.load_dataset(str(version.path), cache_dir=str(cache))
    assert {name: len(split) for name, split in found.items()} == version.manifest["splits"]
    return found, {row.id: row for split in ("train", "held_out") for row in version.rows(split)}


def opened_by_croissant(version: DatasetVersion, folder: Path) -> list[tuple[Row, Mapping[str, Any]]]:
    """A version's rows to train on, each with what mlcroissant reads of it from a described copy."""
    mlcroissant = pytest.importorskip("mlcroissant")
    described = folder / "version"
    for name in ["manifest.json", *version.manifest["files"]]:
        (described / name).parent.mkdir(parents=True, exist_ok=True)
        (described / name).write_bytes((version.path / name).read_bytes())
    croissant.add(described, "2026-01-31")
    opened = mlcroissant.Dataset(jsonld=described / croissant.FILE)
    assert not opened.metadata.ctx.issues.errors and not opened.metadata.ctx.issues.warnings
    rows = {row.id: row for row in version.rows("train")}
    values = [{key.removeprefix("train/"): item for key, item in one.items()} for one in opened.records("train")]
    assert len(values) == len(rows)
    return [(rows[value["id"].decode()], value) for value in values]
