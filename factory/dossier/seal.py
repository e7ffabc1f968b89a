"""The manifest of a dossier's folder: sha256 of every file; and a signature over it, where somebody signs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from factory.errors import DataError
from factory.files import file_sha256, read_json, write_json

FILE, SIGNATURE = "dossier.json", "dossier.sig"
FORMAT = 1
ABOUT = b"specialist-factory dossier 1\n"
"""Before what is signed, so that a signature over a dossier is none over anything else."""


def seal(folder: Path, specialist: str) -> None:
    """Write dossier.json, last of all files."""
    write_json(folder / FILE, {"format": FORMAT, "specialist": specialist, "files": files(folder)})


def files(folder: Path) -> dict[str, str]:
    """Every file of a dossier but its manifest and signature, path to sha256.

    Raises:
        DataError: a link, which may lead anywhere.
    """
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink():
            raise DataError("A dossier holds files, and this is a link.", where=str(path), fix="Put the file there.")
        if path.is_file() and name not in (FILE, SIGNATURE):
            found[name] = file_sha256(path)
    return found


def sealed(folder: Path) -> dict[str, Any]:
    """What dossier.json says.

    Raises:
        DataError: there is none, or it is none.
    """
    value = read_json(folder / FILE)
    if not isinstance(value, dict) or value.get("format") != FORMAT or not isinstance(value.get("files"), dict):
        raise DataError("This is no manifest of a dossier that this factory reads.", where=str(folder / FILE))
    return value
