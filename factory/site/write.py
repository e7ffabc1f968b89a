"""The site's folder: there whole, as it was or as it is to be."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from factory.errors import FactoryError
from factory.files import explained

INDEX = "index.html"
MARK = ".site-of-the-factory"
"""Says that a folder is a site of ours, and may be replaced."""


def write(folder: Path, pages: Mapping[str, str]) -> Path:
    """Replace a site by another.

    It is made beside the old one and takes its place by renames. Killed between the two renames, there is none, and the
    next call makes it.

    Args:
        folder: where; it is made if it is not there.
        pages: path to text, index.html among them.

    Returns:
        the path of index.html.

    Raises:
        FactoryError: a folder that holds anything else than a site; a full disk, or a folder that can't be written.
    """
    folder = folder.absolute()
    if folder.exists() and not (folder / MARK).is_file() and (folder.is_file() or any(folder.iterdir())):
        raise FactoryError(
            "This folder holds something else than a site, and would be replaced.",
            where=str(folder),
            fix="Name a new folder, or an empty one.",
        )
    part, old = (folder.with_name(f".{folder.name}.{os.getpid()}.{what}") for what in ("part", "old"))
    with explained(folder):
        try:
            for path, text in {**pages, MARK: ""}.items():
                (part / path).parent.mkdir(parents=True, exist_ok=True)
                (part / path).write_text(text, encoding="utf-8")
            _swap(part, folder, old)
        finally:
            shutil.rmtree(part, ignore_errors=True)
    shutil.rmtree(old, ignore_errors=True)
    return folder / INDEX


def _swap(new: Path, place: Path, old: Path) -> None:
    """Put a folder into a place, and what was there aside; where that fails, nothing has moved."""
    if place.exists():
        place.rename(old)
    try:
        new.rename(place)
    except OSError:
        if old.exists():
            old.rename(place)
        raise
