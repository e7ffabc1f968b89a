import json
from copy import copy as duplicate  # goes the way multiprocessing goes

import pytest
import tiny
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import zoo
from zoo.doubt import Doubt
from zoo.errors import BrokenSpecialist, Tampered, ZooError
from zoo.manifest import FILE, Manifest, verify


def edit(folder, **changes):
    path = folder / FILE
    raw = json.loads(path.read_text())
    path.write_text(json.dumps({**raw, **changes}))


def test_it_reads_back_as_written(specialist):
    manifest = Manifest.read(specialist)
    assert Manifest.from_dict(json.loads(json.dumps(manifest.to_dict()))) == manifest
    assert set(manifest.files) == {
        p.relative_to(specialist).as_posix() for p in specialist.rglob("*") if p.is_file()
    } - {FILE}


def test_keys_of_later_zoos_are_ignored(copy):
    edit(copy, signature="later")
    assert verify(copy).labels == tiny.LABELS


def test_a_newer_format_says_to_upgrade(copy):
    edit(copy, format=3, labels="whatever it means then")
    with pytest.raises(BrokenSpecialist, match=r"format 3.*\n.*\n.*pip install --upgrade"):
        zoo.load(copy)


@pytest.mark.parametrize(
    "path",
    [
        "../evil",
        "/etc/passwd",
        "a/../../b",
        "a//b",
        "./a",
        "a/.",
        "",
        "C:/x",
        "a\\..\\b",
        "a\nb",
        "manifest.json",
        "a/",
    ],
)
def test_paths_that_could_lead_outside_are_refused(copy, path):
    files = json.loads((copy / FILE).read_text())["files"]
    edit(copy, files={**files, path: {"sha256": "0" * 64, "bytes": 1}})
    with pytest.raises(BrokenSpecialist, match="plain path"):
        verify(copy)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("format", "1"),
        ("format", True),
        ("name", "Finance"),
        ("version", "1.0"),
        ("title", ""),
        ("labels", []),
        ("labels", ["one"]),
        ("labels", ["a", "a"]),
        ("labels", ["a", 1]),
        ("labels", "ab"),
        ("max_tokens", 0),
        ("max_tokens", True),
        ("temperature", 0),
        ("temperature", float("nan")),
        ("temperature", 10**400),
        ("threshold", 1.1),
        ("threshold", "0.5"),
        ("thresholds", [0.5]),
        ("thresholds", {"none of the labels": 0.5}),
        ("thresholds", {tiny.LABELS[0]: 1.5}),
        ("thresholds", {tiny.LABELS[0]: None}),
        ("thresholds", {tiny.LABELS[0]: 0.5}),  # in format 1, whose readers would miss them
        ("risk", 0),
        ("risk", 1),
        ("risk", "0.1"),
        ("created", "yesterday"),
        ("forced", 1),
        ("lineage", {"a": 1}),
        ("lineage", []),
        ("files", []),
        ("files", {}),
        ("files", {"tokenizer.json": 1}),
        ("default_weights", "onnx/other.onnx"),
    ],
)
def test_a_wrong_value_is_named(copy, key, value):
    edit(copy, **{key: value})
    with pytest.raises(BrokenSpecialist) as caught:
        verify(copy)
    assert str(copy) in str(caught.value)
    assert caught.value.fix


def test_labels_thresholds_take_the_next_format(copy):
    assert json.loads((copy / FILE).read_text())["format"] == 1 and Manifest.read(copy).thresholds == {}
    tiny.seal(copy, thresholds={tiny.LABELS[0]: 0.9})
    assert json.loads((copy / FILE).read_text())["format"] == 2
    assert Manifest.read(copy).doubt == Doubt(0.5, {tiny.LABELS[0]: 0.9})


@given(
    threshold=st.none() | st.floats(0, 1),
    own=st.dictionaries(st.sampled_from("abc"), st.floats(0, 1)),
    confidence=st.floats(0, 1),
    label=st.sampled_from("abcd"),
)
def test_doubt_is_the_labels_own_or_the_common_one_or_none(threshold, own, confidence, label):
    doubt = Doubt(threshold, own)
    if label in own:
        assert doubt.unsure(confidence, label) == (confidence < own[label])
    elif threshold is not None:
        assert doubt.unsure(confidence, label) == (confidence < threshold)
    else:
        assert doubt.unsure(confidence, label) == doubt.promises == bool(own)


@pytest.mark.parametrize("key", ["format", "name", "labels", "files", "temperature"])
def test_a_missing_key_is_named(copy, key):
    raw = json.loads((copy / FILE).read_text())
    del raw[key]
    (copy / FILE).write_text(json.dumps(raw))
    with pytest.raises(BrokenSpecialist, match=key):
        verify(copy)


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"null", b"\xff\xfe", b"[" * 100_000])
def test_what_is_no_manifest(copy, text):
    (copy / FILE).write_bytes(text)
    with pytest.raises(BrokenSpecialist):
        verify(copy)


def test_a_folder_that_is_no_specialist(tmp_path):
    for place in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(BrokenSpecialist, match=r"no manifest\.json"):
            zoo.load(place)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(data=st.data())
def test_every_changed_byte_is_found(copy, data):
    name = data.draw(st.sampled_from(sorted(Manifest.read(copy).files)))
    path = copy / name
    good = path.read_bytes()
    place = data.draw(st.integers(0, len(good) - 1))
    flip = data.draw(st.integers(1, 255))
    path.write_bytes(good[:place] + bytes([good[place] ^ flip]) + good[place + 1 :])
    try:
        with pytest.raises(Tampered) as caught:
            verify(copy)
    finally:
        path.write_bytes(good)
    assert caught.value.file == name
    assert caught.value.expected != caught.value.found
    assert name in str(caught.value)
    assert verify(copy)


def test_missing_longer_and_shorter_files_are_found(copy):
    card = copy / "README.md"
    for change in (lambda: card.write_text("# A card\n."), lambda: card.write_text(""), card.unlink, card.mkdir):
        change()
        with pytest.raises(Tampered, match=r"README\.md"):
            zoo.load(copy)


@pytest.mark.parametrize("name", ["README.md", "tokenizer.json", FILE])
def test_links_that_lead_outside_are_refused(copy, tmp_path, name):
    outside = tmp_path / "outside"
    (copy / name).rename(outside)
    (copy / name).symlink_to(outside)
    with pytest.raises(BrokenSpecialist, match="leads outside"):
        verify(copy)


def test_a_linked_folder_that_leads_outside_is_refused(copy, tmp_path):
    (copy / "onnx").rename(tmp_path / "elsewhere")
    (copy / "onnx").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    with pytest.raises(BrokenSpecialist, match="leads outside"):
        verify(copy)


def test_links_that_stay_inside_and_a_linked_specialist_are_fine(copy, tmp_path):
    (copy / "README.md").rename(copy / "card.md")
    (copy / "README.md").symlink_to("card.md")
    (tmp_path / "alias").symlink_to(copy)
    assert verify(tmp_path / "alias")


def test_errors_survive_a_process_boundary(copy):
    (copy / "README.md").write_text("x")
    with pytest.raises(Tampered) as caught:
        verify(copy)
    back = duplicate(caught.value)
    assert (type(back), str(back), back.file) == (Tampered, str(caught.value), "README.md")


def _family(kind):
    return {kind, *(sub for child in kind.__subclasses__() for sub in _family(child))}


@pytest.mark.parametrize("kind", sorted(_family(ZooError) - {Tampered}, key=lambda kind: kind.__name__))
def test_every_error_tells_what_where_and_fix(kind):
    error = kind("It broke.", where="here", fix="Mend it.")
    assert str(error) == "It broke.\n  where: here\n  fix:   Mend it."
    assert str(duplicate(error)) == str(error)
