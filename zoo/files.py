"""The files of a specialist's folder: what each must be, and that none leads outside."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from zoo.errors import BrokenSpecialist

FILE = "manifest.json"
SIGNATURE = "manifest.sig"
"""Over the manifest (zoo.signing), which does not name it."""


@dataclass(frozen=True)
class FileEntry:
    """What a file must be.

    Attributes:
        sha256: 64 lower-case hex digits.
        bytes: its size.
    """

    sha256: str
    bytes: int


def file_sha256(path: Path) -> str:
    """sha256 (64 hex digits) of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def describe_files(folder: Path) -> dict[str, FileEntry]:
    """Every file below the folder but the manifest and its signature, as `Manifest.files` wants it.

    Raises:
        BrokenSpecialist: a link leads outside.
    """
    entries = {}
    for found in sorted(folder.rglob("*")):
        path = found.relative_to(folder).as_posix()
        if path not in (FILE, SIGNATURE) and not found.is_dir():
            full = inside(folder, path)
            entries[path] = FileEntry(file_sha256(full), full.stat().st_size)
    return entries


def inside(folder: Path, path: str) -> Path:
    """Where a file of the folder is; raises BrokenSpecialist where a link leads out of it."""
    full = folder / path
    if not full.resolve().is_relative_to(folder.resolve()):
        raise BrokenSpecialist(
            f"{path} is a link that leads outside the specialist's folder.",
            where=str(full),
            fix="Copy the specialist with its files instead of links: cp -rL FOLDER COPY.",
        )
    return full


def safe(path: object) -> bool:
    """A relative path with `/`, of plain parts, that means the same on every system."""
    if not isinstance(path, str) or not path.isprintable() or re.search(r'[\\:*?"<>|]', path):
        return False
    pure = PurePosixPath(path)
    return (
        path not in ("", ".", FILE, SIGNATURE)
        and str(pure) == path
        and not pure.is_absolute()
        and ".." not in pure.parts
    )
