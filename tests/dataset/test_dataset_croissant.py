"""Croissant metadata of a published version, read by MLCommons' own library."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from factory.dataset import croissant
from factory.dataset.build import build
from factory.dataset.version import open_version
from factory.publish.hub import open_hub
from factory.row import Row
from factory.spec import Spec


@pytest.mark.parametrize("count", [60, 1])
def test_it_validates_and_gives_back_the_rows(rows: list[Row], spec: Spec, tmp_path: Path, count: int) -> None:
    mlcroissant = pytest.importorskip("mlcroissant")
    version = build(rows[:count], spec, tmp_path / "out")
    croissant.add(tmp_path / "out", "2026-01-31")
    opened = mlcroissant.Dataset(jsonld=tmp_path / "out" / croissant.FILE)
    issues = opened.metadata.ctx.issues
    assert not issues.errors and not issues.warnings
    assert opened.metadata.version == f"1.0.0+{version.version}"
    names = {record["classes/number"]: record["classes/name"] for record in opened.records("classes")}
    assert names == dict(enumerate(version.labels))
    found = []
    for split, rows_of_it in version.manifest["splits"].items():
        if not rows_of_it:
            assert split not in {record_set.uuid for record_set in opened.metadata.record_sets}
            continue
        values = [{key.removeprefix(f"{split}/"): value for key, value in one.items()} for one in opened.records(split)]
        assert [value["id"].decode() for value in values] == [row.id for row in version.rows(split)]
        found += values
    by_id = {row.id: row for row in rows}
    for value in found:
        row = by_id[value["id"].decode()]
        assert value["text"].decode() == row.text
        assert names[int(value["label"])] == row.label
        assert value["weight"] == row.weight and value["origin"].decode() == row.origin
        assert dict(zip(version.labels, value["soft"], strict=True)) == {
            label: row.distribution().get(label, 0.0) for label in version.labels
        }
        assert json.loads(value["attributes"]) == row.attributes
        assert value["lineage_teacher"].decode() == row.lineage.teacher
        assert value["lineage_was"] == (row.lineage.was.encode() if row.lineage.was else None)


def test_the_name_and_the_rows_stay_and_the_file_is_sealed(rows: list[Row], spec: Spec, tmp_path: Path) -> None:
    before = build(rows, spec, tmp_path / "out").manifest
    croissant.add(tmp_path / "out", "2026-01-31")
    after = open_version(tmp_path / "out").manifest
    assert {**after, "files": 0} == {**before, "files": 0}
    assert set(after["files"]) - set(before["files"]) == {croissant.FILE}
    croissant.add(tmp_path / "out", "2026-01-31")
    assert open_version(tmp_path / "out").manifest == after
    hub = open_hub(str(tmp_path / "hub"))
    published = Path(hub.publish_dataset(tmp_path / "out"))
    assert (published / croissant.FILE).is_file()
    assert hub.dataset("test/mood", before["version"], tmp_path / "unused").rows("train") == open_version(
        tmp_path / "out"
    ).rows("train")


def test_a_version_published_before_stays_as_it_is(rows: list[Row], spec: Spec, tmp_path: Path) -> None:
    build(rows, spec, tmp_path / "out")
    hub = open_hub(str(tmp_path / "hub"))
    published = Path(hub.publish_dataset(tmp_path / "out"))
    manifest = (published / "manifest.json").read_bytes()
    croissant.add(tmp_path / "out", "2026-01-31")
    assert hub.publish_dataset(tmp_path / "out") == str(published)
    assert (published / "manifest.json").read_bytes() == manifest and not (published / croissant.FILE).exists()
