"""Two versions against each other: every difference once, and none where there is none."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory.dataset.build import build
from factory.dataset.diff import Diff, diff, text
from factory.dataset.split import Split, split
from factory.dataset.version import SPLITS, DatasetVersion, content_hash, version_name
from factory.row import Lineage, Row
from factory.spec import Spec

LABELS = ["sad", "glad", "calm"]


class Held(DatasetVersion):
    """A version in memory."""

    def rows(self, split: Split) -> list[Row]:
        return cast("list[Row]", self.manifest["rows"][split])


def held(rows: list[Row]) -> Held:
    placed = split(rows)
    splits = {name: sorted((r for r in rows if placed[r.id] == name), key=lambda r: r.id) for name in SPLITS}
    content = content_hash(splits, LABELS)
    made_with: dict[str, Any] = {"labels": LABELS, "teachers": ["t@1"], "prompts": {}, "spec": "0"}
    counts = {name: len(members) for name, members in splits.items()}
    named = {"name": "test/mood", "version": version_name(content), "hash": content}
    return Held(Path(), {**named, **made_with, "splits": counts, "rows": splits})


some_rows = st.lists(
    st.builds(
        Row,
        text=st.sampled_from([f"note {number}" for number in range(12)]),
        label=st.sampled_from(LABELS),
        soft=st.sampled_from([None, {"sad": 0.5, "glad": 0.5}, {"sad": 0.50000001, "glad": 0.49999999}]),
        weight=st.sampled_from([0.5, 1.0]),
        origin=st.sampled_from(["generated", "reviewed"]),
        lineage=st.builds(Lineage, spec=st.sampled_from(["a", "b"]), source=st.sampled_from(["", "s"])),
    ),
    unique_by=lambda row: row.text,
    max_size=12,
)


@given(some_rows, some_rows)
def test_the_other_way_round_is_the_same_the_other_way_round(one: list[Row], two: list[Row]) -> None:
    a, b = held(one), held(two)
    there, back = diff(a, b), diff(b, a)
    assert there.removed == back.added and there.added == back.removed and there.same == back.same
    assert [replace(change, before=change.after, after=change.before) for change in back.changed] == there.changed
    assert len(list(there.records())) == len(list(back.records()))
    text(there)


@given(some_rows, some_rows)
def test_every_row_is_counted_once_and_nothing_differs_only_in_one_version(one: list[Row], two: list[Row]) -> None:
    a, b = held(one), held(two)
    found = diff(a, b)
    assert len(one) == len(found.removed) + len(found.changed) + found.same
    assert len(two) == len(found.added) + len(found.changed) + found.same
    differs = bool(found.removed or found.added or found.changed)
    assert differs == (a.version != b.version)
    assert "text" not in {part for change in found.changed for part in change.parts}
    assert ("Their rows are the same." in text(found)) == (not differs)


@pytest.fixture
def found(rows: list[Row], spec: Spec, tmp_path: Path) -> Diff:
    later = [
        rows[1].model_copy(update={"label": "sad", "soft": None}),
        rows[2].model_copy(update={"weight": 0.125}),
        *rows[3:],
        rows[0].model_copy(update={"text": "a new note " * 20}),
    ]
    return diff(build(rows, spec, tmp_path / "a"), build(later, spec, tmp_path / "b"))


def test_what_a_person_reads(found: Diff) -> None:
    said = text(found)
    a, b = found.before.version, found.after.version
    assert said.splitlines()[0].split() == ["test/mood", a, b]
    assert "in both    59: 57 alike, 2 not (" in said and "label 1" in said and "weight 1" in said
    assert f"Only in {a}\n  {found.removed[0][0].id}  sad: note 0" in said
    assert f"Only in {b}\n  {found.added[0][0].id}  sad: a new note" in said and "…" in said
    assert "With another label\n" in said and "glad -> sad: note 1" in said
    assert "With the same label, but not alike\n" in said and "weight: note 2" in said
    sad = next(line.split() for line in said.splitlines() if line.startswith("  sad"))
    assert sad == ["sad", "20", "21", "1", "1", "0", "1"]


def test_what_a_machine_reads(found: Diff) -> None:
    records = list(found.records())
    assert [record["change"] for record in records] == ["removed", "added", "changed", "changed"]
    relabelled = next(record for record in records if "label" in record["parts"])
    assert (relabelled["before"]["label"], relabelled["after"]["label"]) == ("glad", "sad")
    assert relabelled["before"]["id"] == relabelled["after"]["id"] == relabelled["id"]
    assert records[0]["after"] is None and records[0]["before"]["split"] in SPLITS
    assert Row.from_json({key: value for key, value in records[0]["before"].items() if key != "split"})
