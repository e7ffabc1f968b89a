import json
import random
import shutil

import pytest

from factory.dataset.build import build, drop_table
from factory.dataset.version import content_hash, open_version
from factory.errors import DataError
from factory.row import Lineage, Row, Verdict

AUDIT = {"value": 0.9, "low": 0.8, "high": 0.95, "n": 40, "how": "a random slice"}


def test_a_version_gives_back_the_rows_it_was_built_from(rows, spec, tmp_path):
    build(rows, spec, tmp_path / "out")
    version = open_version(tmp_path / "out")
    found = version.rows("train") + version.rows("held_out")
    assert {row.id: row for row in found} == {row.id: row for row in rows}
    assert version.manifest["splits"] == {
        "train": len(version.rows("train")),
        "held_out": len(version.rows("held_out")),
    }
    assert version.labels == ["sad", "glad", "calm"]


def test_the_same_rows_in_another_order_make_the_same_files(rows, spec, tmp_path):
    first = build(rows, spec, tmp_path / "a", dropped={"length": 2})
    shuffled = random.Random(3).sample(rows, len(rows))
    second = build(shuffled, spec, tmp_path / "b", dropped={"length": 2})
    assert first.manifest == second.manifest
    assert first.version == f"d-{first.manifest['hash'][:12]}"
    for name in first.manifest["files"]:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


@pytest.mark.parametrize(
    "change",
    [
        {"label": "calm"},
        {"soft": {"sad": 0.9, "glad": 0.1}},
        {"weight": 0.125},
        {"text": "another text"},
        {"lineage": Lineage(spec="test/mood#1", teacher="teacher-2")},
    ],
    ids=lambda change: next(iter(change)),
)
def test_what_training_sees_and_where_it_came_from_make_another_version(rows, spec, tmp_path, change):
    before = build(rows, spec, tmp_path / "a").version
    changed = [rows[0].model_copy(update=change), *rows[1:]]
    assert build(changed, spec, tmp_path / "b").version != before


def test_an_edited_gate_and_other_scores_make_no_new_version(rows, spec, tmp_path):
    before = build(rows, spec, tmp_path / "a").version
    again = [
        row.model_copy(
            update={
                "lineage": row.lineage.model_copy(update={"spec": "test/mood#edited"}),
                "verdicts": [Verdict(check="length", passed=True, score=4.0000001)],
            }
        )
        for row in rows
    ]
    assert build(again, spec, tmp_path / "b").version == before


def test_rows_that_no_teacher_wrote_are_counted_by_themselves(rows, spec, tmp_path):
    own = [row.model_copy(update={"attributes": row.attributes | {"strategy": "replaced"}}) for row in rows[:1]]
    version = build([*own, *rows[1:]], spec, tmp_path / "out")
    assert version.manifest["origins"] == {"generated": 29, "replaced": 1, "unlabelled": 30}
    assert "labelled by a person, with other values in its words | 1 |" in (tmp_path / "out" / "README.md").read_text()


def test_labels_in_another_order_are_other_class_numbers(rows):
    splits = {"train": rows}
    assert content_hash(splits, ["sad", "glad", "calm"]) != content_hash(splits, ["glad", "sad", "calm"])


def test_the_card_says_what_the_manifest_says(rows, spec, tmp_path):
    build(rows, spec, tmp_path / "out", dropped={"near_duplicate": 7, "length": 9}, audit=AUDIT)
    card = (tmp_path / "out" / "README.md").read_text()
    assert "| length | 9 |\n| near_duplicate | 7 |" in card
    assert "in 90.0 % of 40 rows (95 % interval 80.0 % to 95.0 %): a random slice" in card
    assert "6 rows (10.0 %) were looked at by a person, who changed the label of 1." in card
    assert "Teacher: teacher-1@abc, asked with 15 different prompts." in card
    assert "| tone | plain 30, [loud] |" in card
    assert "| sad | 20 | The writer is \\| sad. |" in card
    assert "licence of this dataset: cc-by-4.0" in card.lower()


def test_the_card_names_a_teacher_where_rows_of_its_are_there_and_nowhere_else(rows, spec, tmp_path):
    said = [
        "A teacher model wrote or labelled the rows that no person looked at.",
        "annotations_creators:\n- machine-gen",
    ]
    build(rows, spec, tmp_path / "out")
    card = (tmp_path / "out" / "README.md").read_text()
    assert all(one in card for one in said)
    build([row.model_copy(update={"origin": "reviewed"}) for row in rows], spec, tmp_path / "people")
    card = (tmp_path / "people" / "README.md").read_text()
    assert not any(one in card for one in said)


def test_the_card_says_what_was_asked_for_and_who_looked(rows, spec, tmp_path):
    shares = [{"axis": "label", "value": "sad", "rows": 12}, {"axis": "tone", "value": "loud", "rows": 7}]
    planned = build(rows, spec, tmp_path / "out", planned=shares)
    card = (tmp_path / "out" / "README.md").read_text()
    assert "| tone | plain 30, [loud] (7 asked for) |" in card
    assert "| sad | 20 (12 asked for) | The writer is" in card and "| glad | 20 | The writer is glad. |" in card
    assert "By pseudonym: person-1 6." in card and "simulated" not in card
    assert planned.version == build(rows, spec, tmp_path / "unplanned").version
    simulated = rows[0].lineage.model_copy(update={"reviewers": ["simulated"]})
    build([rows[0].model_copy(update={"lineage": simulated}), *rows[1:]], spec, tmp_path / "simulated")
    card = (tmp_path / "simulated" / "README.md").read_text()
    assert "person-1 5, simulated 1. `simulated` stands for" in card


def test_a_dataset_without_people_or_audit_says_so(rows, spec, tmp_path):
    untouched = [row.model_copy(update={"lineage": Lineage(spec=spec.identity)}) for row in rows]
    build(untouched, spec, tmp_path / "out")
    card = (tmp_path / "out" / "README.md").read_text()
    assert "No row was looked at by a person." in card
    assert "was not audited" in card
    assert "Nothing was recorded as dropped." in card


def test_an_altered_file_is_found(rows, spec, tmp_path):
    build(rows, spec, tmp_path / "out")
    with (tmp_path / "out" / "README.md").open("a") as file:
        file.write("one more word")
    with pytest.raises(DataError, match="was changed"):
        open_version(tmp_path / "out")
    (tmp_path / "out" / "README.md").unlink()
    with pytest.raises(DataError, match="is missing"):
        open_version(tmp_path / "out")


def test_other_rows_under_a_version_s_name_are_found_even_with_matching_seals(rows, spec, tmp_path):
    version = build(rows, spec, tmp_path / "a")
    other = build(rows[1:], spec, tmp_path / "b")
    shutil.copytree(tmp_path / "b" / "data", tmp_path / "a" / "data", dirs_exist_ok=True)
    shutil.copy(tmp_path / "b" / "README.md", tmp_path / "a" / "README.md")
    forged = {**version.manifest, "files": other.manifest["files"]}
    (tmp_path / "a" / "manifest.json").write_text(json.dumps(forged))
    with pytest.raises(DataError, match="named after"):
        open_version(tmp_path / "a")


def test_a_folder_without_manifest_is_no_version(rows, spec, tmp_path):
    build(rows, spec, tmp_path / "out")
    (tmp_path / "out" / "manifest.json").unlink()
    with pytest.raises(DataError, match="missing"):
        open_version(tmp_path / "out")


def test_rows_that_make_no_dataset_are_refused_before_anything_is_written(rows, spec, tmp_path):
    twice = [*rows, rows[0].model_copy(update={"label": "calm"})]
    unknown = [rows[0].model_copy(update={"label": "angry"})]
    soft = [rows[0].model_copy(update={"soft": {"sad": 0.5, "angry": 0.5}})]
    for bad, message in [([], "no rows"), (twice, "twice"), (unknown, "'angry'"), (soft, "'angry'")]:
        with pytest.raises(DataError, match=message):
            build(bad, spec, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_drop_table_counts_the_first_failed_check_and_refuses_silent_drops(spec):
    def dropped(*verdicts: Verdict) -> Row:
        return Row(text="t", label="sad", origin="generated", lineage=Lineage(spec=spec.identity), verdicts=[*verdicts])

    good, short, alien = (Verdict(check=name, passed=name == "ok") for name in ("ok", "length", "language"))
    assert drop_table([dropped(good, short, alien), dropped(alien), dropped(short)]) == {"length": 2, "language": 1}
    with pytest.raises(DataError, match="every check passed"):
        drop_table([dropped(good)])


@pytest.mark.parametrize("count", [60, 1])
def test_datasets_opens_a_version_with_no_code_of_ours(rows, spec, tmp_path, monkeypatch, count):
    import datasets

    build(rows[:count], spec, tmp_path / "out")
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    opened = datasets.load_dataset(str(tmp_path / "out"), cache_dir=str(tmp_path / "cache"))
    assert set(opened) == ({"train", "held_out"} if count > 1 else {"train"})
    assert sum(len(split) for split in opened.values()) == count
    assert len(open_version(tmp_path / "out").rows("train")) == len(opened["train"])
    feature = opened["train"].features["label"]
    assert feature.names == ["sad", "glad", "calm"]
    by_id = {row.id: row for row in rows}
    for split in opened.values():
        for value in split:
            row = by_id[value["id"]]
            assert feature.int2str(value["label"]) == row.label
            assert dict(zip(feature.names, value["soft"], strict=True)) == {
                name: row.distribution().get(name, 0.0) for name in feature.names
            }
            assert value["lineage"] == row.lineage.model_dump()
            assert json.loads(value["attributes"]) == row.attributes
            assert value["verdicts"] == [verdict.model_dump() for verdict in row.verdicts]
