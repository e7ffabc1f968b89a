"""The ledger: one line for every stage that finished, each line naming the hash of the one before it.

    builds/<specialist>/ledger.jsonl        entries, oldest first; bytes are only ever added
    builds/<specialist>/ledger.head.json    how many there are, and the hash of the last

The hash chain is RFC 6962's idea without the tree: an entry holds the sha256 of the previous line's bytes, so an
edited, removed or moved line no longer fits its neighbours, and the head tells when lines are gone from the end.
Whoever rewrites both files leaves no trace here; published manifests cite the head of their day (`ledger`), and those
lie elsewhere.

A line is committed when the head counts it. A kill can leave one line more, whole or torn: a whole one that fits is
good, and is counted before the next is written, so that there is never more than one; bytes without an end of line
were never committed and are cut off by the next entry.
"""

from __future__ import annotations

import fcntl
import functools
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from factory.errors import DataError
from factory.evidence.circumstances import commit
from factory.files import canonical, explained, file_sha256, read_json, write_json
from factory.stage import Output, inputs_of

FILE, HEAD = "ledger.jsonl", "ledger.head.json"
FIRST = "0" * 64
"""What the first entry names as the one before it."""
FINISHED, FOUND = "finished", "found"


@dataclass(frozen=True)
class Entry:
    """One line.

    Attributes:
        number: place in the ledger, from 0.
        previous: sha256 of the line before, without its end; `FIRST` for the first.
        time: UTC, ISO 8601.
        event: `finished`; or `found`: the folder was there when the ledger first met it, made before there was a
            ledger, or by a build that was killed between finishing the stage and writing this.
        stage, key: which.
        inputs: the stages among its inputs, name to `<stage>:<key>`; every other input is in inputs.json.
        files: every file of the folder, path to sha256.
        counts: the numbers of its summary.json, as people were shown them.
        version: of what it made, where that has one: a dataset or a published specialist.
        operator: who ran it, by FACTORY_OPERATOR; empty where that is not set.
        commit: of the code, see factory.evidence.circumstances.
    """

    number: int
    previous: str
    time: str
    event: str
    stage: str
    key: str
    inputs: dict[str, str] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    counts: dict[str, float] = field(default_factory=dict)
    version: str = ""
    operator: str = ""
    commit: str = ""

    @property
    def output(self) -> str:
        """`<stage>:<key>`, as later entries cite it."""
        return f"{self.stage}:{self.key}"

    def line(self) -> bytes:
        """The line, without its end."""
        return canonical(asdict(self)).encode()


@dataclass(frozen=True)
class Ledger:
    """What the two files hold.

    Attributes:
        entries: those that can be read, oldest first.
        hashes: sha256 of every whole line, readable or not.
        problems: a sentence for each sign that lines were edited, removed, added or moved.
        torn: bytes at the end that were never committed.
        following: number and `previous` of the entry that comes next.
    """

    entries: list[Entry]
    hashes: list[str]
    problems: list[str]
    torn: int
    following: tuple[int, str]

    def last(self, output: str) -> Entry | None:
        """The newest entry of `<stage>:<key>`."""
        return next((entry for entry in reversed(self.entries) if entry.output == output), None)


def read(root: Path) -> Ledger:
    """The ledger of a specialist's build folder, its chain checked; empty where there is none."""
    path = root / FILE
    if not path.exists():
        return _parse(b"", _head(root))
    with path.open("rb") as file, _locked(file, fcntl.LOCK_SH):
        return _parse(file.read(), _head(root))


def enter(root: Path, output: Output, operator: str = "") -> Entry | None:
    """Enter a stage's output: always where it was made just now, once where it was there already.

    Args:
        root: the specialist's build folder.
        output: as factory.stage.run gives it.
        operator: who ran it.

    Returns:
        The entry, committed to the disk; None where there was nothing to enter.
    """
    cited = f"{output.stage}:{output.key}"
    if output.reused and read(root).last(cited):
        return None
    what = {
        "event": FOUND if output.reused else FINISHED,
        "stage": output.stage,
        "key": output.key,
        "operator": operator,
        "commit": "" if output.reused else _commit(),
        **_contents(output.path),
    }
    path = root / FILE
    with explained(path), path.open("a+b") as file, _locked(file, fcntl.LOCK_EX):
        file.seek(0)
        ledger = _parse(file.read(), _head(root))
        if output.reused and ledger.last(cited):
            return None  # another process was quicker
        number, previous = ledger.following
        if not ledger.problems and number > (_head(root) or (0, FIRST))[0]:
            os.fsync(file.fileno())  # whoever was killed had perhaps not come to that
            _count(root, number, previous)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        entry = Entry(number=number, previous=previous, time=now, **what)
        line = entry.line()
        if ledger.torn:
            file.truncate(file.tell() - ledger.torn)
        elif not _ends_a_line(file):
            line = b"\n" + line  # the end of a committed line was cut off: evidence, to be left as it is
        file.write(line + b"\n")
        file.flush()
        os.fsync(file.fileno())
        _count(root, number + 1, _sha256(entry.line()))
    return entry


def files_of(folder: Path) -> dict[str, str]:
    """Every file below a folder, path with `/` to sha256."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {path.relative_to(folder).as_posix(): file_sha256(path) for path in files}


def _contents(folder: Path) -> dict[str, Any]:
    """What an entry says of a stage's folder."""
    summary = folder / "summary.json"
    figures = read_json(summary) if summary.exists() else {}
    return {
        "inputs": stages_among(inputs_of(folder)),
        "files": files_of(folder),
        "counts": {name: value for name, value in figures.items() if isinstance(value, int | float)},
        "version": str(figures.get("version", "")),
    }


def stages_among(inputs: dict[str, Any]) -> dict[str, str]:
    """Those of a stage's inputs that are stages, name to `<stage>:<key>`."""
    return {name: value for name, value in inputs.items() if _is_stage(value)}


def _is_stage(value: Any) -> bool:
    if not isinstance(value, str) or value.startswith("sha256:"):
        return False
    stage, _, key = value.partition(":")
    return stage.isidentifier() and len(key) == 16 and not set(key) - set("0123456789abcdef")


def _parse(data: bytes, head: tuple[int, str] | None) -> Ledger:
    *lines, rest = data.split(b"\n")
    committed, last = head or (0, FIRST)
    torn = len(rest)
    if rest and len(lines) < committed:
        lines, torn = [*lines, rest], 0  # it was whole when it was committed
    hashes = [_sha256(line) for line in lines]
    entries, problems = [], []
    expected = (0, FIRST)
    for place, line in enumerate(lines):
        entry = _entry(line)
        if entry is None:
            problems.append(f"Line {place + 1} is not an entry.")
            expected = (expected[0] + 1, hashes[place])
            continue
        if (entry.number, entry.previous) != expected:
            problems.append(
                f"Line {place + 1} does not follow from the line before it: one of the two was edited, or lines there "
                "were removed, added or moved."
            )
        entries.append(entry)
        expected = (entry.number + 1, hashes[place])
    if len(lines) < committed:
        problems.append(f"The ledger had {committed} entries; {committed - len(lines)} are gone.")
        expected = (committed, last)
    elif committed and hashes[committed - 1] != last:
        problems.append(f"Line {committed} is not the one that was committed last.")
        expected = (committed, last)  # what comes next follows what was committed, so that this stays to be seen
    elif len(lines) > committed + 1:
        problems.append(
            f"{HEAD} tells of {committed} lines, there are {len(lines)}: some were added by hand, or it was replaced."
        )
        expected = (committed, last)  # as above
    return Ledger(entries, hashes, problems, torn, expected)


def _entry(line: bytes) -> Entry | None:
    """The entry a line holds, or None; keys of a later factory are passed over."""
    known = {key.name for key in fields(Entry)}
    try:
        entry = Entry(**{key: value for key, value in json.loads(line).items() if key in known})
    except (ValueError, TypeError, AttributeError, RecursionError):
        return None
    texts = (entry.previous, entry.time, entry.event, entry.stage, entry.key, entry.version)
    tables = (entry.inputs, entry.files, entry.counts)
    sound = isinstance(entry.number, int) and all(isinstance(text, str) for text in texts)
    return entry if sound and all(isinstance(table, dict) for table in tables) else None


def _head(root: Path) -> tuple[int, str] | None:
    """How many entries are committed, and the hash of the last; None where nobody says so, or not legibly."""
    try:
        value = read_json(root / HEAD)
        return int(value["entries"]), str(value["sha256"])
    except (DataError, KeyError, TypeError, ValueError):
        return None


def _count(root: Path, entries: int, last: str) -> None:
    """Have the head say how many lines there are, and the hash of the last."""
    write_json(root / HEAD, {"entries": entries, "sha256": last})


@functools.cache
def _commit() -> str:
    """The commit of the code this process runs: asked once, for what is checked out later is not what runs."""
    return commit()


def _sha256(line: bytes) -> str:
    return hashlib.sha256(line).hexdigest()


def _ends_a_line(file: BinaryIO) -> bool:
    size = file.seek(0, os.SEEK_END)
    if size == 0:
        return True
    file.seek(size - 1)
    return file.read(1) == b"\n"


@contextmanager
def _locked(file: BinaryIO, how: int) -> Iterator[None]:
    """Take turns with other processes and threads."""
    fcntl.flock(file, how)
    try:
        yield
    finally:
        fcntl.flock(file, fcntl.LOCK_UN)
