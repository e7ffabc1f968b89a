"""The files of one state of a repository, with the hashes the Hub's protocol tells."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

LARGE = 1 << 20
"""Files from this size on, in bytes, travel by LFS."""


@dataclass(frozen=True)
class Entry:
    """A file of a commit.

    Attributes:
        path: where it is on disk.
        size: in bytes.
        sha256: 64 hex digits; LFS's name for it.
        blob: 40 hex digits; git's name for it.
    """

    path: Path
    size: int
    sha256: str
    blob: str

    @property
    def etag(self) -> str:
        """What clients know this content by."""
        return self.sha256 if self.size >= LARGE else self.blob

    def listed(self, name: str) -> dict[str, Any]:
        """The file as the Hub lists it."""
        value: dict[str, Any] = {"type": "file", "path": name, "size": self.size, "oid": self.blob}
        if self.size >= LARGE:
            value["lfs"] = {"oid": self.sha256, "size": self.size, "pointerSize": 134}
        return value


@dataclass(frozen=True)
class Commit:
    """The files of one state of a repository, by path; the id is made of what they hold."""

    id: str
    files: Mapping[str, Entry]

    def listing(self, folder: str, recursive: bool) -> list[dict[str, Any]]:
        """The files below a folder (empty: all), or the folder's own files and folders."""
        start = f"{folder}/" if folder else ""
        found: dict[str, dict[str, Any]] = {}
        for name, entry in self.files.items():
            if not name.startswith(start):
                continue
            first, inside, _ = name.removeprefix(start).partition("/")
            if inside and not recursive:
                path = start + first
                found[path] = _folder(path)
            else:
                found[name] = entry.listed(name)
        return list(found.values())

    def listed(self, path: str) -> dict[str, Any] | None:
        """One file or folder as the Hub lists it; None where it is not there."""
        if path in self.files:
            return self.files[path].listed(path)
        return _folder(path) if any(name.startswith(f"{path}/") for name in self.files) else None


def read_commit(folder: Path) -> Commit:
    """The commit a folder's files make."""
    return _commit(
        {
            path.relative_to(folder).as_posix(): _entry(path, path.stat())
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        }
    )


def single(path: Path, name: str) -> Commit:
    """The commit that one file makes, under a name."""
    return _commit({name: _entry(path, path.stat())})


def _commit(files: Mapping[str, Entry]) -> Commit:
    return Commit(_sha1("".join(f"{name}\0{entry.sha256}\n" for name, entry in files.items()).encode()), files)


def link(source: Path, target: Path) -> None:
    """Put a file at a second place without a second copy, where the disk can do that."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def is_hex(text: str, digits: int) -> bool:
    """Whether this is so many lower-case hex digits."""
    return re.fullmatch(f"[0-9a-f]{{{digits}}}", text) is not None


def _entry(path: Path, stat: os.stat_result) -> Entry:
    sha256, blob = _hashes(path, stat.st_size, stat.st_mtime_ns, stat.st_ino)
    return Entry(path, stat.st_size, sha256, blob)


@lru_cache(maxsize=10_000)
def _hashes(path: Path, size: int, changed: int, inode: int) -> tuple[str, str]:
    """sha256 and git blob id of a file; size, time and inode say when a cached answer no longer holds."""
    sha256, git = hashlib.sha256(), hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            sha256.update(chunk)
            git.update(chunk)
    return sha256.hexdigest(), git.hexdigest()


def _folder(path: str) -> dict[str, Any]:
    return {"type": "directory", "path": path, "size": 0, "oid": _sha1(path.encode())}


def _sha1(data: bytes) -> str:
    return hashlib.sha1(data, usedforsecurity=False).hexdigest()
