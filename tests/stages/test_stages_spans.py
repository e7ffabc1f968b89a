"""A whole build of a small specialist of kind spans, up to its dataset version; the stages after that say so."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from factory.dataset import croissant
from factory.dataset.version import open_version
from factory.files import read_json, read_jsonl
from factory.row import read_rows
from factory.span import strip
from tests import kitchen, shop, tiny_encoder
from tests.conftest import Factory

pytestmark = pytest.mark.real
NAME = "test/kitchen"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Factory]:
    base = tmp_path_factory.mktemp("kitchen")
    encoder = tiny_encoder.make(base / "tiny-encoder", kitchen.every_text(), hidden=64)
    teacher = shop.Teacher(answer=kitchen.teach)
    made = Factory(base / "home", base / "prompts", base / "gold", teacher, encoder)
    kitchen.make_specialist(made.prompts / NAME, made.gold, {"student": {"encoder": str(encoder)}})
    ended = made.run("build", NAME, "--until", "dataset")
    assert ended.returncode == 0, ended.stdout
    (made.home / "out.txt").write_text(ended.stdout)
    yield made
    teacher.stop()


def stage(built: Factory, name: str) -> Path:
    (found,) = (built.home / "builds" / NAME / name).glob("[!.]*")
    return found


def test_what_was_asked_for_is_written_with_exact_spans(built: Factory) -> None:
    cells = read_jsonl(stage(built, "plan") / "plan.jsonl")
    assert Counter(cell["label"] for cell in cells) == {"Food": 2, "Tool": 2, "Food + Tool": 2, "none": 2}
    rows = read_rows(stage(built, "write") / "rows.jsonl")
    failed = read_jsonl(stage(built, "write") / "failed.jsonl")
    assert len(rows) + len(failed) == 32
    assert all("tags can't be read" in one["reason"] for one in failed)
    for row in rows:
        assert row.spans == kitchen.spans_of(row.text)
        assert row.stratum == row.attributes["types"] and row.label == ""
        assert strip(row.decision) == (row.text, row.spans, "")


def test_real_texts_are_marked_by_the_teacher_and_people_are_believed(built: Factory) -> None:
    rows = read_rows(stage(built, "review") / "kept.jsonl")
    origins = Counter(row.origin for row in rows)
    assert origins["reviewed"] == 18 and origins["example"] == 2 and origins["unlabelled"] > 0
    for row in rows:
        if row.origin != "example":
            assert row.spans == kitchen.spans_of(row.text)
        assert row.weight == (1.0 if row.origin in ("reviewed", "example") else 0.5)
        if row.origin == "unlabelled":
            assert row.lineage.teacher == "loopback@127.0.0.1" and row.lineage.reply
    marked = read_jsonl(stage(built, "judge") / "judgements.jsonl")
    refused = [claim["reason"] for line in marked for claim in line["refused"]]
    assert refused and set(refused) == {"not in the text: 'an invented thing'"}


def test_no_row_is_lost_on_the_way(built: Factory) -> None:
    written = read_rows(stage(built, "write") / "rows.jsonl")
    first, last = (
        [read_rows(stage(built, of) / f"{n}.jsonl") for n in ("kept", "dropped")] for of in ("clean", "review")
    )
    assert sum(map(len, first)) == len(written) + 12 + 18 + 2
    assert {row.id for part in last for row in part} == {row.id for row in first[0]}
    for row in first[1] + last[1]:
        assert not row.verdicts[-1].passed and row.verdicts[-1].reason


def test_the_dataset_opens_with_datasets_alone_and_is_stratified(built: Factory, tmp_path: Path) -> None:
    import datasets

    version = open_version(stage(built, "dataset"))
    found = datasets.load_dataset(str(version.path), cache_dir=str(tmp_path))
    assert {name: len(split) for name, split in found.items()} == version.manifest["splits"]
    assert not {"label", "soft"} & set(found["train"].column_names)
    names = found["train"].features["spans"].feature["label"].names
    assert names == list(kitchen.WORDS)
    rows = {row.id: row for split in ("train", "held_out") for row in version.rows(split)}
    for split in found.values():
        for value in split:
            said = [(one["start"], one["end"], names[one["label"]]) for one in value["spans"]]
            assert said == [(span.start, span.end, span.label) for span in rows[value["id"]].spans or ()]
    assert rows == {row.id: row for row in read_rows(stage(built, "review") / "kept.jsonl")}
    strata = {split: Counter(row.stratum for row in version.rows(split)) for split in ("train", "held_out")}
    assert all(strata["train"][types] for types in kitchen.MIDDLES)
    assert all(strata["held_out"][t] for t in kitchen.MIDDLES if strata["train"][t] + strata["held_out"][t] >= 8)


def test_the_card_and_the_metadata_speak_of_spans(built: Factory, tmp_path: Path) -> None:
    version = open_version(stage(built, "dataset"))
    card = (version.path / "README.md").read_text()
    assert "token-classification" in card and "| `spans` |" in card and "| `soft` |" not in card
    assert "Food + Tool" in card and "(8 asked for)" in card
    manifest = version.manifest
    assert manifest["kind"] == "spans" and manifest["audit"]["value"] == 1.0
    assert manifest["per_label"]["Food"] == sum(
        any(span.label == "Food" for span in row.spans or ()) for s in ("train", "held_out") for row in version.rows(s)
    )
    mlcroissant = pytest.importorskip("mlcroissant")
    described = tmp_path / "version"
    described.mkdir()
    for name in ["manifest.json", *manifest["files"]]:
        (described / name).parent.mkdir(parents=True, exist_ok=True)
        (described / name).write_bytes((version.path / name).read_bytes())
    croissant.add(described, "2026-01-31")
    opened = mlcroissant.Dataset(jsonld=described / croissant.FILE)
    assert not opened.metadata.ctx.issues.errors and not opened.metadata.ctx.issues.warnings
    rows = {row.id: row for row in version.rows("train")}
    values = [{key.removeprefix("train/"): item for key, item in one.items()} for one in opened.records("train")]
    assert len(values) == len(rows)
    for value in values:
        spans = rows[value["id"].decode()].spans or ()
        assert list(map(int, value["spans_start"])) == [span.start for span in spans]
        assert list(map(int, value["spans_end"])) == [span.end for span in spans]
        assert [version.labels[int(place)] for place in value["spans_label"]] == [span.label for span in spans]


def test_a_student_is_refused_and_the_dataset_is_named(built: Factory) -> None:
    before = len(built.teacher.asked)
    ended = built.run("build", NAME)
    assert ended.returncode == 1
    assert "Students of kind spans cannot be trained yet" in ended.stdout
    assert str(stage(built, "dataset")) in ended.stdout and "Traceback" not in ended.stdout
    assert len(built.teacher.asked) == before


def test_people_answer_in_files(built: Factory, tmp_path: Path) -> None:
    folder = built.home / "review" / NAME / "v1"
    shown = read_jsonl(folder / "to_review.jsonl")
    assert {line["reason"] for line in shown} == {"audit", "coverage"}
    assert all(line["suggestion"] is None for line in shown if line["reason"] == "audit")
    first, second, third, *_ = (line for line in shown if line["suggestion"])
    text = second["text"]
    lines = [
        {"row_id": first["row_id"], "marked": first["suggestion"]},
        {"row_id": second["row_id"], "spans": [{"start": 0, "end": len(text.split()[0]), "label": "Tool"}]},
        {"row_id": third["row_id"], "spans": None, "problem": "unusable"},
    ]
    answers = folder / "answers.jsonl"
    answers.write_text("".join(json.dumps(line) + "\n" for line in lines))
    try:
        ended = built.run("build", NAME, "--until", "dataset")
        assert ended.returncode == 0, ended.stdout
        newest = max((built.home / "builds" / NAME / "review").glob("[!.]*"), key=lambda path: path.stat().st_mtime)
        kept, dropped = ({row.id: row for row in read_rows(newest / f"{n}.jsonl")} for n in ("kept", "dropped"))
        assert kept[first["row_id"]].origin == kept[second["row_id"]].origin == "reviewed"
        assert kept[first["row_id"]].lineage.was is None
        assert kept[second["row_id"]].stratum == "Tool" and kept[second["row_id"]].lineage.was == second["suggestion"]
        assert dropped[third["row_id"]].verdicts[-1].check == "review"
        assert read_json(newest / "summary.json")["answered by people"] == 3
    finally:
        answers.unlink()
