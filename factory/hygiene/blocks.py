"""A file of rows in blocks: how it is cut, and what is done to one block, wherever that happens.

Everything a block leaves lies in the job's folder under its number; its `done` file is written last.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError

from factory.errors import DataError
from factory.files import canonical, explained, read_json, write_json
from factory.hygiene import duplicates
from factory.hygiene.check import Context
from factory.hygiene.greedy import Decisions
from factory.hygiene.run import judge, sound
from factory.hygiene.sketch import sketch
from factory.row import Row

BLOCK = 2 * 1024 * 1024
"""Bytes of a JSONL file in a block: some 4,000 short rows."""


@dataclass(frozen=True)
class Job:
    """What is done to every block.

    Attributes:
        source: the file of rows: JSONL as `factory.row.write_rows` writes it, or Parquet with the same fields.
        folder: where blocks leave what they found; every process must see it under this path.
        context: what the checks may know.
        checks: those asked of each row by itself.
        sketched: whether duplicates are looked for afterwards.
    """

    source: Path
    folder: Path
    context: Context
    checks: tuple[str, ...]
    sketched: bool


@dataclass(frozen=True)
class Block:
    """A part of a file: bytes [start, end) of a JSONL file (every line that begins there), row groups of Parquet."""

    number: int
    start: int
    end: int

    def file(self, job: Job, kind: str) -> Path:
        """Where something of this block lies."""
        return job.folder / f"{self.number:06d}.{kind}"


def cut(source: Path, size: int = BLOCK) -> list[Block]:
    """A file's blocks. The same file gives the same blocks.

    Raises:
        DataError: there is no such file.
    """
    if not source.is_file():
        raise DataError("This file is missing.", where=str(source))
    if _is_parquet(source):
        import pyarrow.parquet as parquet

        size, whole = 1, parquet.ParquetFile(source).num_row_groups
    else:
        whole = source.stat().st_size
    return [Block(number, start, min(start + size, whole)) for number, start in enumerate(range(0, whole, size))]


def examine(job: Job, block: Block) -> int:
    """First pass: ask the checks about a block's rows, and sketch those that passed. Returns how many rows it has."""
    done = block.file(job, "done")
    if done.exists():
        return int(read_json(done)["rows"])
    rows = list(_read(job.source, block))
    forget = (duplicates.NAME,) if job.sketched else ()
    judged, statistics = judge(rows, job.context, job.checks, forget=forget)
    lines = [_line(row.to_json()) for row in judged]
    with explained(job.folder):
        block.file(job, "rows").write_bytes(b"".join(lines))
        if job.sketched:
            _write_sketch(job, block, judged, lines)
    write_json(done, {"rows": len(rows), "statistics": [one.to_json() for one in statistics]})
    return len(rows)


def _write_sketch(job: Job, block: Block, judged: list[Row], lines: list[bytes]) -> None:
    """The sketch of a block's sound rows, their shingles, and at which byte of its `rows` file each lies."""
    alive = [sound(row) for row in judged]
    rows = [row for row, kept in zip(judged, alive, strict=True) if kept]
    known, made = sketch(rows, job.context.spec.hygiene.near_duplicate)
    made.flat.tofile(block.file(job, "shingles"))
    offsets = np.cumsum([0, *map(len, lines)])[:-1][np.array(alive, dtype=bool)]
    columns = {**vars(known), "names": np.array(known.names, dtype=str)}
    np.savez(block.file(job, "sketch.npz"), offsets=offsets, **columns)


def finish(job: Job, block: Block) -> int:
    """Second pass: part a block's rows into kept and dropped. Returns how many rows it has."""
    decided = iter(duplicates.verdicts(read_decisions(block.file(job, "decisions.npz")))) if job.sketched else None
    count = 0
    with (
        explained(job.folder),
        block.file(job, "rows").open("rb") as rows,
        block.file(job, "kept").open("wb") as kept,
        block.file(job, "dropped").open("wb") as dropped,
    ):
        for count, line in enumerate(rows, 1):  # noqa: B007  (the count of rows)
            row = json.loads(line)
            passed = all(verdict["passed"] for verdict in row["verdicts"])
            if passed and decided is not None:
                verdict = next(decided)
                row["verdicts"].append(verdict.model_dump(mode="json"))
                line, passed = _line(row), verdict.passed
            (kept if passed else dropped).write(line)
    return count


def write_decisions(path: Path, decisions: Decisions, part: slice) -> None:
    """Write what `finish` needs of some rows."""
    np.savez(path, **{name: column[part] for name, column in vars(decisions).items()})


def read_decisions(path: Path) -> Decisions:
    """Read what `write_decisions` wrote."""
    with np.load(path, allow_pickle=False) as found:
        return Decisions(**found)


def _read(source: Path, block: Block) -> Iterator[Row]:
    for place, value in (_parquet if _is_parquet(source) else _jsonl)(source, block):
        try:
            yield Row.from_json(value)
        except ValidationError as error:
            first = error.errors()[0]
            what = ": ".join(filter(None, (".".join(map(str, first["loc"])), first["msg"])))
            raise DataError(
                f"This is not a row: {what}.",
                where=_where(source, place),
                fix="A row has at least text, origin, lineage, and label or what the kind has in its place: "
                '{"text": "...", "label": "...", "origin": "generated", "lineage": {"spec": "mine"}}.',
            ) from error


def _jsonl(source: Path, block: Block) -> Iterator[tuple[int, dict[str, Any]]]:
    """(place in the file, JSON object) of every line that begins in the block."""
    with source.open("rb") as file:
        file.seek(max(block.start - 1, 0))
        if block.start:
            file.readline()  # the line that began before, or the end of one
        while (place := file.tell()) < block.end:
            line = file.readline()
            if not line.strip():
                continue
            try:
                value = json.loads(line)
                if b"\\u" in line:
                    canonical(value).encode()
            except UnicodeEncodeError as error:
                raise DataError("This line holds half a character.", where=_where(source, place)) from error
            except UnicodeDecodeError as error:
                raise DataError("This line is not UTF-8 text.", where=_where(source, place)) from error
            except ValueError as error:
                raise DataError(f"This line is not JSON: {error}.", where=_where(source, place)) from error
            if not isinstance(value, dict):
                raise DataError("This line is not a JSON object.", where=_where(source, place))
            yield place, value


def _parquet(source: Path, block: Block) -> Iterator[tuple[int, dict[str, Any]]]:
    """(row group, row) of every row in the block's row groups; what Parquet fills up with nulls is taken out."""
    import pyarrow.parquet as parquet

    table = parquet.ParquetFile(source).read_row_groups(list(range(block.start, block.end)))
    for value in table.to_pylist():
        for key in ("soft", "attributes"):
            if isinstance(inner := value.get(key), dict):
                value[key] = {name: item for name, item in inner.items() if item is not None}
        yield block.start, value


def _is_parquet(source: Path) -> bool:
    return source.suffix == ".parquet"


def _where(source: Path, place: int) -> str:
    """For a person: the line that begins at a byte, or the row group."""
    if _is_parquet(source):
        return f"{source}, row group {place}"
    with source.open("rb") as file:
        line, left = 1, place
        while left > 0 and (part := file.read(min(left, BLOCK))):
            line, left = line + part.count(b"\n"), left - len(part)
    return f"{source}:{line}"


def _line(value: dict[str, Any]) -> bytes:
    """As `factory.files.write_jsonl` writes it."""
    return json.dumps(value, ensure_ascii=False).encode() + b"\n"
