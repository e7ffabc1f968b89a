"""Texts out of files: lines, CSV, JSON lines, Parquet. A row that can't be read costs no other row its answer."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TextIO

from zoo.errors import BadInput, MissingExtra

Text = str | BadInput
"""A text, or why a row holds none."""


def read(path: str | Path, column: str = "text") -> Iterator[Text]:
    """The texts of a file, in its order, read as they are asked for.

    Args:
        path: a file whose name ends in .txt (a text a line), .csv (UTF-8, with a header), .jsonl or .ndjson (an object
            or a string a line), or .parquet.
        column: where the text is, of files with columns.

    Raises:
        BadInput: the file can't be read, is of another kind, or has no such column.
        MissingExtra: Parquet without pyarrow.
    """
    for value in values(path, column):
        good = isinstance(value, str | BadInput)
        yield value if good else BadInput(f"The row has no text in {column!r}.")


def values(path: str | Path, column: str) -> Iterator[Any]:
    """The values of a column, whatever they are (in CSV texts); None where a row has none. Else as `read`."""
    path = Path(path)
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        kinds = ", ".join(_READERS)
        raise BadInput("This kind of file is not known.", where=str(path), fix=f"Give a file that ends in {kinds}.")
    try:
        yield from reader(path, column)
    except OSError as error:
        raise BadInput(f"The file can't be read: {error.strerror or error}.", where=str(path)) from error


def lines(file: TextIO) -> Iterator[Text]:
    """A text a line; bytes that are not UTF-8 become a text's error, not the program's end."""
    if hasattr(file, "reconfigure"):
        file.reconfigure(encoding="utf-8", errors="surrogateescape")
    return (line.rstrip("\r\n") for line in file)


def _open(path: Path, newline: str | None = None) -> TextIO:
    return path.open(encoding="utf-8-sig", errors="surrogateescape", newline=newline)


def _txt(path: Path, _: str) -> Iterator[Text]:
    with _open(path) as file:
        yield from (line.rstrip("\n") for line in file)


def _jsonl(path: Path, column: str) -> Iterator[Any]:
    with _open(path) as file:
        for line in file:
            try:
                value = json.loads(line)
            except (ValueError, RecursionError) as error:
                yield BadInput(f"The line is not JSON: {error}.")
                continue
            yield value.get(column) if isinstance(value, dict) else value


def _csv(path: Path, column: str) -> Iterator[Any]:
    csv.field_size_limit(sys.maxsize)  # texts are long; 128 KiB is the usual limit
    with _open(path, newline="") as file:
        rows = csv.reader(file, strict=True)
        header = next(rows, [])
        place = _place(header, column, path)
        while True:
            first = rows.line_num + 1
            try:
                row = next(rows)
            except StopIteration:
                return
            except csv.Error as error:
                yield BadInput(f"The row that begins on line {first} is not CSV: {error}.")
                continue
            if row:  # a line of nothing is no row
                yield row[place] if place < len(row) else None


def _parquet(path: Path, column: str) -> Iterator[Any]:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        fix = "pip install 'specialist-zoo[parquet]'"
        raise MissingExtra(
            "Reading Parquet needs pyarrow, which is not installed.", where=str(path), fix=fix
        ) from error
    try:
        with pq.ParquetFile(path) as table:
            _place(table.schema_arrow.names, column, path)
            for batch in table.iter_batches(batch_size=1024, columns=[column]):
                for value in batch.column(0):
                    yield value.as_py()
    except pa.ArrowException as error:
        raise BadInput(f"The file is not Parquet: {error}.", where=str(path)) from error


def _place(names: list[str], column: str, path: Path) -> int:
    if column not in names:
        fix = f"Name the one with the texts: --column NAME, of {', '.join(names) or 'none'}."
        raise BadInput(f"There is no column {column!r}.", where=str(path), fix=fix)
    return names.index(column)


_READERS: dict[str, Callable[[Path, str], Iterator[Any]]] = {
    ".txt": _txt,
    ".csv": _csv,
    ".jsonl": _jsonl,
    ".ndjson": _jsonl,
    ".parquet": _parquet,
}
