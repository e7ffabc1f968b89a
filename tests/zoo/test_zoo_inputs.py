"""Texts out of files: what is good is read, whatever stands beside it."""

from __future__ import annotations

import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from zoo.errors import BadInput, MissingExtra
from zoo.inputs import read


def found(path: Path, column: str = "text") -> list[str | None]:
    """The texts; None for a row that has none."""
    return [text if isinstance(text, str) else None for text in read(path, column)]


def write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def test_every_kind_of_file(tmp_path: Path) -> None:
    texts = ["wörd1", 'a "b", c', "two\nlines"]
    assert found(write(tmp_path / "a.txt", "wörd1\r\nb\n".encode())) == ["wörd1", "b"]
    csv = '\ufeffid,text\r\n1,wörd1\r\n2,"a ""b"", c"\r\n3,"two\nlines"\r\n'.encode()
    assert found(write(tmp_path / "a.csv", csv)) == texts
    jsonl = '{"text": "wörd1"}\n"a \\"b\\", c"\n{"text": "two\\nlines"}\n'.encode()
    assert found(write(tmp_path / "a.jsonl", jsonl)) == texts
    pq.write_table(pa.table({"id": [1, 2, 3], "said": texts}), tmp_path / "a.parquet")
    assert found(tmp_path / "a.parquet", "said") == texts


def test_bad_rows_leave_the_others(tmp_path: Path) -> None:
    jsonl = b'{"text": "a"}\n{"text": \n{"other": 1}\n\n{"text": 3}\n{"text": "b"}\n'
    assert found(write(tmp_path / "a.jsonl", jsonl)) == ["a", None, None, None, None, "b"]
    assert found(write(tmp_path / "a.csv", b'id,text\n1,a\n2\n\n3,"x"y\n4,b\n')) == ["a", None, None, "b"]
    pq.write_table(pa.table({"text": ["a", None, "b"]}), tmp_path / "a.parquet")
    assert found(tmp_path / "a.parquet") == ["a", None, "b"]


def test_a_quote_that_is_never_closed_is_told_with_its_line(tmp_path: Path) -> None:
    *_, last = read(write(tmp_path / "a.csv", b'text\na\n"b\nc\n'))
    assert isinstance(last, BadInput) and "begins on line 3" in last.what


def test_long_texts_are_read(tmp_path: Path) -> None:
    assert found(write(tmp_path / "a.csv", b"text\n" + b"a" * 200_000 + b"\n")) == ["a" * 200_000]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.xlsx", b"", ".csv, .jsonl, .ndjson, .parquet"),
        ("a.csv", b"id,body\n1,a\n", "--column NAME, of id, body"),
        ("b.csv", b"", "of none"),
        ("a.parquet", b"no", "not Parquet"),
        ("gone.txt", None, "No such file"),
    ],
)
def test_what_can_not_be_read_says_what_to_do(tmp_path: Path, name: str, content: bytes | None, said: str) -> None:
    if content is not None:
        write(tmp_path / name, content)
    with pytest.raises(BadInput) as caught:
        list(read(tmp_path / name))
    assert said in str(caught.value) and name in caught.value.where


def test_parquet_without_pyarrow_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtra, match="pyarrow") as caught:
        list(read(write(tmp_path / "a.parquet", b"")))
    assert "specialist-zoo[parquet]" in caught.value.fix
