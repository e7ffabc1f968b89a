"""Files written whole or not at all, and hashes of what they hold."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from factory.errors import DataError, FactoryError
from zoo.canonical import canonical as canonical  # the input of every hash in the factory
from zoo.files import file_sha256 as file_sha256

FULL = "The disk is full."
_ROOM = 1 << 20  # bytes without which nothing can be done


def digest(value: Any) -> str:
    """sha256 (64 hex digits) of a JSON value's canonical text."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn the operating system's word about a full disk or a closed door into one a person can act on."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise no_room(path) from error
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise FactoryError(
                "This can't be written or read.",
                where=str(error.filename or path),
                fix="Give this user access to it, or choose another place.",
            ) from error
        if error.errno in (errno.ENOTDIR, errno.EEXIST):
            raise FactoryError(
                "There is a file where a folder must be.",
                where=str(error.filename or path),
                fix="Move that file away, or choose another folder.",
            ) from error
        raise


def no_room(path: Path) -> FactoryError:
    """The error of a full disk, where something was to be written to a path on it."""
    fix = "Free some space and run the same command again; everything finished so far is kept."
    return FactoryError(FULL, where=str(path), fix=fix)


def is_full(folder: Path) -> bool:
    """Whether the disk that holds a folder has no room left: for libraries that can't say what they failed of."""
    return shutil.disk_usage(folder).free < _ROOM


def write_text(path: Path, text: str) -> None:
    """Replace a file atomically: readers see the old text or the new, never half of it."""
    with explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f".{path.name}.{os.getpid()}.part")
        try:
            with part.open("w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)


def write_json(path: Path, value: Any) -> None:
    """Write indented JSON atomically."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def write_jsonl(path: Path, values: Iterable[Any]) -> int:
    """Write one JSON value a line, atomically; returns how many."""
    lines = [json.dumps(value, ensure_ascii=False) for value in values]
    write_text(path, "".join(line + "\n" for line in lines))
    return len(lines)


def read_json(path: Path) -> Any:
    """Read a JSON file; raises DataError naming the file where it is missing or broken."""
    try:
        return json.loads(_read(path))
    except ValueError as error:
        raise DataError(f"This file is not JSON: {error}.", where=str(path)) from error


def read_jsonl(path: Path) -> list[dict[str, Any]]:
    """Read one JSON object a line; raises DataError naming file and line."""
    rows = []
    # Not splitlines(): it also breaks at U+2028 and U+0085, which JSON strings may hold as they are.
    for number, line in enumerate(_read(path).split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            raise DataError(f"This line is not JSON: {error}.", where=f"{path}:{number}") from error
        if not isinstance(row, dict):
            raise DataError("This line is not a JSON object.", where=f"{path}:{number}")
        rows.append(row)
    return rows


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise DataError("This file is missing.", where=str(path)) from error
    except UnicodeDecodeError as error:
        raise DataError("This file is not UTF-8 text.", where=str(path), fix="Save it as UTF-8.") from error
