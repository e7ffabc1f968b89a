"""Kept rows in, an immutable dataset version out. The same rows always make the same version."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from factory.dataset import card
from factory.dataset.decision import OF_KIND
from factory.dataset.split import Split, split
from factory.dataset.version import FORMAT, SPLITS, DatasetVersion, content_hash, parquet_file, record, version_name
from factory.errors import DataError
from factory.files import explained, file_sha256, write_json, write_text
from factory.row import Row
from factory.spec import COMPANIONS, Spec
from factory.spec_field import record_schema


def build(
    kept: Sequence[Row],
    spec: Spec,
    out: Path,
    *,
    dropped: Mapping[str, int] | None = None,
    audit: Mapping[str, Any] | None = None,
    planned: Iterable[Mapping[str, Any]] = (),
    judges: Sequence[str] = (),
    judge: Mapping[str, Any] | None = None,
) -> DatasetVersion:
    """Write a dataset version into a folder.

    Args:
        kept: the rows that passed hygiene and review, in any order.
        spec: what they are for.
        out: an empty folder, or one with leftovers of a killed attempt; manifest.json is written last.
        dropped: check name to how many rows it dropped, see `drop_table`.
        audit: how often people agreed with the label on a random slice: `value`, `low`, `high` (0 to 1), `n`, and
            `how` it was found out, in words.
        planned: the plan's shares (factory.generate.plan.Share): how many rows were asked for, by `axis` and `value`.
        judges: the models that judged in the teacher's place, with their revisions, if any did.
        judge: how far its drops agree with people (factory.hygiene.trust.Trust.to_json), where the spec sets a floor.

    Returns:
        The version.

    Raises:
        DataError: no rows, a text that is there twice, or a label the spec does not declare.
    """
    labels = list(spec.labels)
    _check(kept, labels)
    placed = split(kept)
    rows = sorted(kept, key=lambda row: row.id)
    splits: dict[Split, list[Row]] = {name: [row for row in rows if placed[row.id] == name] for name in SPLITS}
    content = content_hash(splits, labels)
    manifest: dict[str, Any] = {
        "format": FORMAT,
        "name": spec.name,
        "version": version_name(content),
        "hash": content,
        "title": spec.title,
        "language": spec.language,
        "licence": spec.licence.data,
        "labels": labels,
        **({"kind": spec.kind} if spec.kind != "classification" else {}),
        **({"schema": record_schema(spec.fields)} if spec.fields else {}),
        **_counts(rows, splits, spec),
        "spec": spec.hash,
        "prompts": {name: file_sha256(spec.folder / name) for name in COMPANIONS},
        "teachers": sorted({row.lineage.teacher for row in rows if row.lineage.teacher}),
        **({"judges": list(judges)} if judges else {}),
        "dropped": dict(sorted((dropped or {}).items(), key=lambda item: (-item[1], item[0]))),
        "audit": dict(audit) if audit else None,
        **({"judge": dict(judge)} if judge else {}),
        "planned": _planned(planned),
    }
    readme = out / "README.md"
    write_text(readme, card.render(manifest, spec))
    written = [readme]
    for name, members in splits.items():
        if members:  # `datasets` cannot read a file without rows
            written.append(parquet_file(out, name))
            records = [record(row, name, labels) for row in members]
            _write_parquet(records, OF_KIND[spec.kind].features(spec), written[-1])
    manifest["files"] = {
        path.relative_to(out).as_posix(): {"sha256": file_sha256(path), "bytes": path.stat().st_size}
        for path in sorted(written)
    }
    write_json(out / "manifest.json", manifest)
    return DatasetVersion(out, manifest)


def drop_table(dropped: Iterable[Row]) -> dict[str, int]:
    """How many rows each check dropped; a row counts for the first check it failed.

    Raises:
        DataError: a dropped row that failed no check: somebody dropped it silently.
    """
    table: Counter[str] = Counter()
    for row in dropped:
        failed = next((verdict.check for verdict in row.verdicts if not verdict.passed), None)
        if failed is None:
            raise DataError("A row was dropped, but every check passed it.", where=f"row {row.id}")
        table[failed] += 1
    return dict(table)


def _check(rows: Sequence[Row], labels: list[str]) -> None:
    if not rows:
        raise DataError(
            "There are no rows to make a dataset of.",
            fix="Look at why rows were dropped: `python -m factory explain` on one of them, or raise the budget.",
        )
    known, seen = set(labels), set()
    for row in rows:
        unknown = OF_KIND[row.kind].every_name(row) - known
        if unknown:
            raise DataError(f"A row has the label {min(unknown)!r}, which the spec does not declare.", where=row.id)
        if row.id in seen:
            raise DataError(
                "The same text is there twice.", where=row.id, fix="Run hygiene: it drops exact duplicates."
            )
        seen.add(row.id)


def _counts(rows: Sequence[Row], splits: Mapping[Split, Sequence[Row]], spec: Spec) -> dict[str, Any]:
    generated = [row for row in rows if row.origin == "generated"]
    named = [OF_KIND[row.kind].names(row) for row in rows]
    axes = OF_KIND[spec.kind].axes(spec) | spec.attributes
    return {
        "splits": {name: len(members) for name, members in splits.items()},
        "origins": dict(sorted(Counter(_made(row) for row in rows).items())),
        "per_label": {label: sum(label in decided for decided in named) for label in spec.labels},
        "coverage": {
            axis: {value: sum(row.attributes.get(axis) == value for row in generated) for value in values}
            for axis, values in axes.items()
        },
        "reviewers": dict(Counter(who for row in rows for who in row.lineage.reviewers).most_common()),
        "reviewed": sum(bool(row.lineage.reviewers) for row in rows),
        "corrected": sum(row.lineage.was not in (None, row.decision) for row in rows),
        "prompts_sent": len({row.lineage.prompt for row in rows if row.lineage.prompt}),
    }


def _made(row: Row) -> str:
    """Its origin; or that it is a person's row with other values, which is generated, and yet no machine's words."""
    return card.REPLACED if row.attributes.get("strategy") == card.REPLACED else row.origin


def _planned(shares: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, int]]:
    """Rows asked for: axis (`label`, or an attribute) to value to how many."""
    planned: dict[str, dict[str, int]] = {}
    for share in shares:
        planned.setdefault(share["axis"], {})[share["value"]] = share["rows"]
    return planned


def _write_parquet(records: list[dict[str, Any]], decided: dict[str, Any], path: Path) -> None:
    """Write one split atomically, with the features in the metadata so that `datasets` knows the label names."""
    import pyarrow
    import pyarrow.parquet as parquet
    from datasets import Features, List, Value

    text, number = Value("string"), Value("float64")
    lineage = dict.fromkeys(("spec", "cell", "source", "prompt", "reply", "teacher"), text)
    features = Features(
        {
            "id": text,
            "text": text,
            **decided,
            "weight": number,
            "origin": text,
            "split": text,
            "lineage": {**lineage, "reviewers": List(text), "was": text},
            "attributes": text,
            "verdicts": List({"check": text, "passed": Value("bool"), "score": number, "reason": text}),
        }
    )
    part = path.with_name(f".{path.name}.part")
    with explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        parquet.write_table(pyarrow.Table.from_pylist(records, schema=features.arrow_schema), part, compression="zstd")
        part.replace(path)
