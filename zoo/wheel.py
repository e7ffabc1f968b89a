"""A wheel (PEP 427) of files and no code, by the standard library; the same files make the same bytes anywhere."""

from __future__ import annotations

import csv
import io
import os
import zipfile
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

TAG = "py3-none-any"
_WHEN = (1980, 1, 1, 0, 0, 0)  # the first day that a ZIP archive knows
_CHUNK = 1 << 20


def write(
    out: Path, name: str, version: str, *, files: Mapping[str, Path], metadata: str, more: Mapping[str, str]
) -> Path:
    """Write a wheel; it appears whole, in place of one of its name.

    Args:
        out: a folder, which is made where it is missing.
        name: normalized as PEP 503 has it.
        version: as PEP 440 has it.
        files: path inside the folder of packages, with `/`, to the file.
        metadata: the text of METADATA.
        more: other texts of its dist-info folder, by their names there.

    Returns:
        the wheel's path.

    Raises:
        OSError: it can't be written, or a file not read.
    """
    stem = f"{name.replace('-', '_')}-{version}"
    info = f"{stem}.dist-info"
    wheel = f"Wheel-Version: 1.0\nGenerator: specialist-zoo\nRoot-Is-Purelib: true\nTag: {TAG}\n"
    texts = {"METADATA": metadata, "WHEEL": wheel, **more}
    record: list[tuple[str, str, str | int]] = []
    out.mkdir(parents=True, exist_ok=True)
    path = out / f"{stem}-{TAG}.whl"
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        # Stored, not deflated: what deflate makes depends on the library's version, and weights hardly shrink.
        with zipfile.ZipFile(part, "w", zipfile.ZIP_STORED) as archive:
            for inside, source in sorted(files.items()):
                record.append(_copy(archive, inside, source))
            for inside, text in sorted(texts.items()):
                record.append(_add(archive, f"{info}/{inside}", text.encode("utf-8", "replace")))
            listed = io.StringIO()
            csv.writer(listed, lineterminator="\n").writerows([*record, (f"{info}/RECORD", "", "")])
            _add(archive, f"{info}/RECORD", listed.getvalue().encode())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return path


def _copy(archive: zipfile.ZipFile, inside: str, source: Path) -> tuple[str, str, int]:
    """Add a file of any size; its line of RECORD, by what was really read."""
    entry, hashed, size = _entry(inside), sha256(), 0
    entry.file_size = source.stat().st_size  # tells whether the entry has to be one for large files
    with source.open("rb") as file, archive.open(entry, "w") as into:
        while data := file.read(_CHUNK):
            into.write(data)
            hashed.update(data)
            size += len(data)
    return inside, _digest(hashed.digest()), size


def _add(archive: zipfile.ZipFile, inside: str, data: bytes) -> tuple[str, str, int]:
    archive.writestr(_entry(inside), data)
    return inside, _digest(sha256(data).digest()), len(data)


def _entry(inside: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(inside, _WHEN)
    entry.create_system, entry.external_attr = 3, 0o100644 << 16  # Unix, a plain file that all may read
    return entry


def _digest(digest: bytes) -> str:
    return "sha256=" + urlsafe_b64encode(digest).rstrip(b"=").decode()
