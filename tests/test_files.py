"""Files are there whole or as they were, whatever the disk does; hashes depend on content alone."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory import files
from factory.errors import DataError, FactoryError

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=("Cs",)), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)
objects = st.dictionaries(st.text(st.characters(exclude_categories=("Cs",)), max_size=4), values, max_size=4)


@pytest.fixture
def old(tmp_path: Path) -> Path:
    path = tmp_path / "rows.jsonl"
    files.write_jsonl(path, [{"row": 1}])
    return path


def refuse(number: int) -> Any:
    def fails(*_: object, **__: object) -> Any:
        raise OSError(number, os.strerror(number))

    return fails


@pytest.mark.parametrize(
    ("number", "said"),
    [(errno.ENOSPC, "disk is full"), (errno.EDQUOT, "disk is full"), (errno.EROFS, "can't be written")],
)
@pytest.mark.parametrize("place", ["factory.files.os.fsync", "factory.files.os.replace"])
def test_a_write_the_disk_refuses_leaves_the_old_file(
    old: Path, monkeypatch: pytest.MonkeyPatch, number: int, said: str, place: str
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(place, refuse(number))
        with pytest.raises(FactoryError, match=said) as caught:
            files.write_jsonl(old, [{"row": 2}, {"row": 3}])
    assert caught.value.where == str(old) and caught.value.fix
    assert files.read_jsonl(old) == [{"row": 1}]
    assert list(old.parent.iterdir()) == [old]
    files.write_jsonl(old, [{"row": 2}])
    assert files.read_jsonl(old) == [{"row": 2}]


def test_a_file_where_a_folder_must_be_is_told(old: Path) -> None:
    with pytest.raises(FactoryError, match="folder") as caught:
        files.write_text(old / "below" / "it.txt", "text")
    assert str(old) in caught.value.where


def test_other_errors_of_the_system_are_not_disguised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("factory.files.os.fsync", refuse(errno.EIO))
    with pytest.raises(OSError, match=os.strerror(errno.EIO)):
        files.write_text(tmp_path / "x", "text")


def test_what_cannot_be_json_leaves_the_old_file(old: Path) -> None:
    with pytest.raises(TypeError):
        files.write_jsonl(old, [{"row": 2}, {"row": object()}])
    assert files.read_jsonl(old) == [{"row": 1}]


@given(rows=st.lists(objects, max_size=4))
def test_lines_come_back_as_they_went(rows: list[dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.getbasetemp() / "lines.jsonl"
    assert files.write_jsonl(path, rows) == len(rows)
    assert files.read_jsonl(path) == rows


@given(values, values)
def test_equal_values_and_no_others_have_equal_digests(one: Any, two: Any) -> None:
    same = json.dumps(one, sort_keys=True) == json.dumps(two, sort_keys=True)
    assert (files.digest(one) == files.digest(two)) == same
    assert files.digest(json.loads(json.dumps(one))) == files.digest(one)


@pytest.mark.parametrize(
    ("text", "said", "line"),
    [('{"a": 1}\nnope\n', "not JSON", ":2"), ('{"a": 1}\n\n[1]\n', "not a JSON object", ":3")],
)
def test_a_broken_line_is_named(tmp_path: Path, text: str, said: str, line: str) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(text)
    with pytest.raises(DataError, match=said) as caught:
        files.read_jsonl(path)
    assert caught.value.where == f"{path}{line}"


def test_bytes_that_are_no_text_are_told(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b'{"a": "caf\xe9"}\n')
    with pytest.raises(DataError, match="UTF-8") as caught:
        files.read_jsonl(path)
    assert caught.value.where == str(path)


@pytest.mark.parametrize("read", [files.read_json, files.read_jsonl])
def test_a_missing_file_is_named(tmp_path: Path, read: Any) -> None:
    with pytest.raises(DataError, match="missing") as caught:
        read(tmp_path / "no.json")
    assert caught.value.where.endswith("no.json")
