"""What holds of a whole build up to the dataset, whatever the kind of decision: helpers of the tests beside."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from factory.dataset import croissant
from factory.dataset.version import DatasetVersion, open_version
from factory.row import Row, read_rows
from tests import shop, tiny_encoder
from tests.conftest import Factory


def build(base: Path, name: str, place: ModuleType) -> Iterator[Factory]:
    """A factory in which the small specialist of a module (kitchen, registry, lost) is built up to its dataset."""
    encoder = tiny_encoder.make(base / "tiny-encoder", place.every_text(), hidden=64)
    teacher = shop.Teacher(answer=place.teach)
    made = Factory(base / "home", base / "prompts", base / "gold", teacher, encoder)
    place.make_specialist(made.prompts / name, made.gold, {"student": {"encoder": str(encoder)}})
    ended = made.run("build", name, "--until", "dataset")
    assert ended.returncode == 0, ended.stdout
    yield made
    teacher.stop()


def stages(built: Factory, name: str) -> Callable[[str], Path]:
    """From a stage's name to the folder of the one finished run of it."""

    def stage(of: str) -> Path:
        (found,) = (built.home / "builds" / name / of).glob("[!.]*")
        return found

    return stage


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


def assert_no_student(built: Factory, name: str, kind: str) -> None:
    """A build beyond the dataset says that there is no student of the kind, and asks the teacher nothing."""
    before = len(built.teacher.asked)
    ended = built.run("build", name)
    assert ended.returncode == 1
    assert f"Students of kind {kind} cannot be trained yet" in ended.stdout
    assert str(stages(built, name)("dataset")) in ended.stdout and "Traceback" not in ended.stdout
    assert len(built.teacher.asked) == before
