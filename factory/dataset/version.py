"""A dataset version: a folder of Parquet and a manifest, named by what it holds.

    manifest.json                           what it is; written last, so a folder without one is not a version
    README.md                               the dataset card
    data/train-00000-of-00001.parquet       rows trained on
    data/held_out-00000-of-00001.parquet    rows held out for early stopping and calibration

`datasets.load_dataset(folder)` opens it with no code of ours. Where the kind of task is `spans`, a column `spans` takes
the place of `label` and `soft`; where it is `extraction`, `record` (JSON text) and `fields` (the same by field, typed);
where it is `generation`, `answer`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from factory.dataset.decision import OF_KIND, Decision
from factory.dataset.split import Split
from factory.errors import DataError
from factory.files import digest, file_sha256, read_json
from factory.row import Lineage, Row, Verdict

FORMAT = 1
SPLITS: tuple[Split, ...] = ("train", "held_out")


@dataclass(frozen=True)
class DatasetVersion:
    """A finished version; make one with `build`, open one with `open_version`.

    Attributes:
        path: its folder.
        manifest: what manifest.json holds.
    """

    path: Path
    manifest: dict[str, Any]

    @property
    def name(self) -> str:
        """The specialist it is for, `<vertical>/<task>`."""
        return str(self.manifest["name"])

    @property
    def version(self) -> str:
        """`d-` and the first 12 hex digits of the content hash."""
        return str(self.manifest["version"])

    @property
    def labels(self) -> list[str]:
        """The labels, in the order of the class numbers."""
        return list(self.manifest["labels"])

    def rows(self, split: Split) -> list[Row]:
        """The rows of one split, sorted by id; a split without rows has no file."""
        import pyarrow.parquet as parquet

        if not self.manifest["splits"][split]:
            return []
        decision = OF_KIND[self.manifest.get("kind", "classification")]
        values = parquet.read_table(parquet_file(self.path, split)).to_pylist()
        return [_row(value, self.labels, decision) for value in values]


def open_version(folder: Path) -> DatasetVersion:
    """Open a version and prove that it is what its name says.

    Raises:
        DataError: no manifest, a format this code does not know, a missing or altered file, or rows whose hash is
            not the version's.
    """
    manifest = read_json(folder / "manifest.json")
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise DataError("This is not a dataset version of a format known here.", where=str(folder / "manifest.json"))
    again = "Download or build the version again."
    for name, seal in manifest["files"].items():
        path = folder / name
        if not path.is_file():
            raise DataError("A file of this dataset version is missing.", where=str(path), fix=again)
        if file_sha256(path) != seal["sha256"]:
            raise DataError("A file of this dataset version was changed.", where=str(path), fix=again)
    version = DatasetVersion(folder, manifest)
    found = content_hash({split: version.rows(split) for split in SPLITS}, version.labels)
    if found != manifest["hash"] or version.version != version_name(found):
        raise DataError(
            "The rows of this dataset version are not those it is named after.", where=str(folder), fix=again
        )
    return version


def content_hash(splits: Mapping[Split, Iterable[Row]], labels: list[str]) -> str:
    """sha256 (64 hex digits) over what training sees and where it came from.

    Order of rows plays no part, nor do two things that change without the data changing: the hash of the spec (an
    edited gate is not new data) and what the checks said (their scores differ in the last digits between machines).
    """
    content = [[row.id, *seen(row, split).values()] for split, rows in splits.items() for row in rows]
    return digest({"labels": labels, "rows": sorted(content, key=lambda item: str(item[0]))})


def seen(row: Row, split: Split) -> dict[str, Any]:
    """What a version is made of: what training sees of a row and where that came from, by name, in a fixed order."""
    return {
        "split": split,
        "text": row.text,
        **OF_KIND[row.kind].content(row),
        "weight": round(row.weight, 6),
        "origin": row.origin,
        "attributes": row.attributes,
        "lineage": row.lineage.model_dump(mode="json", exclude={"spec"}),
    }


def version_name(content: str) -> str:
    """The version a content hash gives its name to."""
    return f"d-{content[:12]}"


def parquet_file(folder: Path, split: Split) -> Path:
    """Where a split's rows are; the name is one `datasets` knows by itself."""
    return folder / "data" / f"{split}-00000-of-00001.parquet"


def record(row: Row, split: Split, labels: list[str]) -> dict[str, Any]:
    """A row as Parquet holds it."""
    return {
        "id": row.id,
        "text": row.text,
        **OF_KIND[row.kind].columns(row, labels),
        "weight": row.weight,
        "origin": row.origin,
        "split": split,
        "lineage": row.lineage.model_dump(mode="json"),
        "attributes": json.dumps(row.attributes, sort_keys=True, ensure_ascii=False),
        "verdicts": [verdict.model_dump(mode="json") for verdict in row.verdicts],
    }


def _row(value: Mapping[str, Any], labels: list[str], decision: Decision) -> Row:
    return Row(
        text=value["text"],
        **decision.read(value, labels),
        weight=value["weight"],
        origin=value["origin"],
        attributes=json.loads(value["attributes"]),
        lineage=Lineage.model_validate(value["lineage"]),
        verdicts=[Verdict.model_validate(verdict) for verdict in value["verdicts"]],
    )
