import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

import zoo
from factory.errors import FactoryError, HubError
from factory.evidence.records import GateLine, read_evidence
from factory.publish.family import collect
from factory.publish.hub import open_hub
from factory.publish.package import CARD, EVIDENCE, content, describe, package
from factory.publish.release import release
from factory.publish.versions import next_version
from zoo.errors import BadInput
from zoo.manifest import FileEntry, Manifest
from zoo.names import Version


def manifest(
    version="1.0.0", *, labels=("a", "b"), dataset="d-1", weights="0", day="2026-11-22", **changes
) -> Manifest:
    names = ("tokenizer.json", "onnx/model_int8.onnx")
    files = {name: FileEntry(weights * 64, 9) for name in names} | {CARD: FileEntry(version[0] * 64, 1)}
    values = {
        "name": "test/mood", "title": "Mood", "language": "en", "max_tokens": 8, "licence": "mit", "created": day,
        "lineage": {"dataset": dataset},
    }  # fmt: skip
    return Manifest(version=version, labels=labels, files=files, **{**values, **changes})


PUBLISHED = [
    manifest("1.0.0"),
    manifest("1.1.0", dataset="d-2", weights="1"),
    manifest("1.1.1", dataset="d-2", weights="2"),
]


@pytest.mark.parametrize(
    ("candidate", "major", "expected"),
    [
        (manifest(dataset="d-3", weights="3"), 1, ("1.2.0", True)),
        (manifest(dataset="d-2", weights="3"), 1, ("1.1.2", True)),
        (manifest(dataset="d-2", weights="2", day="2027-01-01"), 1, ("1.1.1", False)),
        (manifest(), 1, ("1.0.0", False)),
        (manifest(dataset="d-2", weights="2", temperature=2.0), 1, ("1.1.2", True)),
        (manifest(dataset="d-2", weights="2", forced=True), 1, ("1.1.2", True)),
        (manifest(labels=("a", "b", "c"), weights="3"), 2, ("2.0.0", True)),
    ],
    ids=["data changed", "training changed", "the same", "an older one again", "calibration", "forced", "labels"],
)
def test_the_version_says_what_changed(candidate, major, expected):
    assert next_version(PUBLISHED, candidate, major) == expected
    assert next_version(reversed(PUBLISHED), candidate, major) == expected


def test_the_first_version_and_labels_without_a_new_major():
    assert next_version([], manifest(), 1) == ("1.0.0", True)
    with pytest.raises(HubError, match=r"c came or went") as refused:
        next_version(PUBLISHED, manifest(labels=("a", "b", "c"), weights="3"), 1)
    assert "major: 2" in refused.value.fix
    with pytest.raises(HubError, match="order changed"):
        next_version(PUBLISHED, manifest(labels=("b", "a"), weights="3"), 1)


steps = st.lists(st.tuples(st.sampled_from(["d-1", "d-2", "d-3"]), st.sampled_from("0123456789abcdef")), max_size=12)


@given(steps)
def test_whatever_is_published_versions_only_grow_and_no_content_gets_two(history):
    published: list[Manifest] = []
    for dataset, weights in history:
        candidate = manifest(dataset=dataset, weights=weights)
        version, new = next_version(published, candidate, 1)
        known = {content(one): one.version for one in published}
        assert new == (content(candidate) not in known)
        if new:
            assert all(Version.parse(version) > Version.parse(one.version) for one in published)
            published.append(replace(candidate, version=version))
        else:
            assert known[content(candidate)] == version
    assert len({content(one) for one in published}) == len(published)


def test_a_package_is_sealed_and_holds_its_evidence(packed, evidence):
    folder = packed()
    sealed = zoo.verify(folder)
    assert set(sealed.files) >= {"README.md", "evidence.jsonl", "config.json", "model.safetensors", "onnx/model.onnx"}
    assert {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()} == {
        *sealed.files,
        "manifest.json",
    }
    assert read_evidence(folder / EVIDENCE) == evidence
    assert sealed.lineage["dataset"].startswith("d-") and sealed.lineage["spec"].startswith("test/mood#")


def test_what_training_left_behind_is_not_published(trained, spec):
    (trained.folder / "checkpoint").mkdir()
    (trained.folder / "checkpoint" / "optimizer.pt").write_bytes(b"state")
    for name in ("training.json", "inputs.json", "tokenizer_config.json"):
        (trained.folder / name).write_text("{}")
    files = set(describe(trained, spec, "1.0.0").files)
    assert "tokenizer_config.json" in files
    assert not files & {"training.json", "inputs.json", "checkpoint/optimizer.pt"}


def test_packaging_again_leaves_nothing_of_the_first_time(packed):
    (packed() / "stale.txt").write_text("old")
    assert not (packed() / "stale.txt").exists()


def test_a_model_that_lacks_a_file_or_its_dataset_is_refused(trained, spec):
    with pytest.raises(FactoryError, match="which dataset"):
        describe(replace(trained, lineage={}), spec, "1.0.0")
    with pytest.raises(FactoryError, match=r"lacks prompt\.json"):
        describe(trained, spec.model_copy(update={"kind": "generation"}), "1.0.0")
    (trained.folder / "onnx" / "model.onnx").unlink()
    with pytest.raises(FactoryError, match=r"lacks onnx/model\.onnx"):
        describe(trained, spec, "1.0.0")


def test_a_model_that_changes_between_card_and_package_is_refused(trained, spec, tmp_path):
    described = describe(trained, spec, "1.0.0")
    (trained.folder / "config.json").write_text("{}")
    with pytest.raises(FactoryError, match="changed while"):
        package(trained, described, card="# Card", evidence=[], out=tmp_path / "out")
    assert not (tmp_path / "out" / "manifest.json").exists()


def test_releases_count_up_and_the_same_content_is_released_once(trained, spec, dataset, evidence, tmp_path):
    hub = open_hub(str(tmp_path / "hub"))

    def once(**changes):
        return release(hub, replace(trained, **changes), spec, dataset.manifest, evidence, tmp_path / "out")

    first, again = once(), once()
    assert (first.version, first.new) == ("1.0.0", True)
    assert (again.version, again.new, again.where) == ("1.0.0", False, first.where)
    assert once(temperature=1.7).version == "1.0.1"
    assert once(lineage={"dataset": "d-another"}).version == "1.1.0"
    assert once().version == "1.0.0"
    assert [str(version) for version in hub.versions("test/mood")] == ["1.0.0", "1.0.1", "1.1.0"]
    card = (tmp_path / "hub" / "test" / "mood" / "1.1.0" / "README.md").read_text()
    assert 'zoo.load("test/mood@1.1.0")' in card


def test_a_failed_gate_publishes_nothing_unless_forced(trained, spec, dataset, evidence, tmp_path):
    hub = open_hub(str(tmp_path / "hub"))
    failed = GateLine(who="student:int8", rows="", n=9, requirement="accuracy", passed=False, sentence="Worse.")
    arguments = (hub, trained, spec, dataset.manifest, [*evidence, failed], tmp_path / "out")
    with pytest.raises(FactoryError, match="Worse"):
        release(*arguments)
    assert hub.versions("test/mood") == []
    done = release(*arguments, forced=True)
    published = json.loads((tmp_path / "hub" / "test" / "mood" / done.version / "manifest.json").read_text())
    assert published["forced"] is True


def test_a_student_without_int8_is_published_and_loaded_in_fp32(trained, spec, dataset, evidence, tmp_path):
    (trained.folder / "onnx/model_int8.onnx").unlink()
    with pytest.raises(FactoryError, match=r"lacks onnx/model_int8\.onnx"):
        describe(trained, spec, "1.0.0")
    student = replace(trained, weights="fp32")
    assert (student.who, student.exports, trained.exports) == ("student:fp32", ("fp32",), ("int8", "fp32"))
    measured = [one.model_copy(update={"who": one.who.replace("int8", "fp32")}) for one in evidence]
    hub = tmp_path / "hub"
    released = release(open_hub(str(hub)), student, spec, dataset.manifest, measured, tmp_path / "out")
    specialist = zoo.load(spec.name, hub=hub)
    assert specialist.weights == "onnx/model.onnx" and specialist.predict("word").label
    with pytest.raises(BadInput, match="no 'int8' weights"):
        zoo.load(spec.name, hub=hub, weights="int8")
    assert "The published weights are `student:fp32`." in (hub / spec.name / released.version / CARD).read_text()
    assert "| 1.0.0 | 0.912" in collect(open_hub(str(hub)), [spec.name], tmp_path / "cards").read_text()
