"""The site's folder: there whole, as it was or as it is to be, whenever somebody looks and wherever a kill comes."""

from __future__ import annotations

import fcntl
import os
import re
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from factory.errors import FactoryError
from factory.files import explained

INDEX = "index.html"
MARK = ".site-of-the-factory"
"""Says that a folder is a site of ours, and may be replaced."""


def write(folder: Path, pages: Mapping[str, str]) -> Path:
    """Replace a site by another.

    The pages lie in a hidden folder beside it, `.site.<8 hex digits>.pages`, and `site` is a link to that: another link
    takes its place in one step. What killed runs left is removed by the next one.

    Args:
        folder: where; it is made if it is not there.
        pages: path to text, index.html among them.

    Returns:
        the path of index.html.

    Raises:
        FactoryError: a folder that holds anything else than a site; a full disk, or a folder that can't be written.
    """
    folder = folder.absolute()
    if folder.is_symlink() and not _ours(folder, folder.readlink()):
        folder = folder.resolve()  # a link of somebody's own stays
    if folder.exists() and not (folder / MARK).is_file() and (folder.is_file() or any(folder.iterdir())):
        raise FactoryError(
            "This folder holds something else than a site, and would be replaced.",
            where=str(folder),
            fix="Name a new folder, or an empty one.",
        )
    with explained(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        with _alone(folder.parent):
            made = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}.pages")
            try:
                for path, text in {**pages, MARK: ""}.items():
                    (made / path).parent.mkdir(parents=True, exist_ok=True)
                    (made / path).write_text(text, encoding="utf-8")
                _put(made, folder)
            finally:  # the site before this one, or what came of this one; and what was left by runs that were killed
                _sweep(folder)
    return folder / INDEX


def _put(made: Path, place: Path) -> None:
    """Let a place lead to a folder. In one step, unless a real folder has to make room: then it is aside meanwhile."""
    link, aside = made.with_suffix(".link"), made.with_suffix(".aside")
    link.symlink_to(made.name)
    if place.is_dir() and not place.is_symlink():
        place.rename(aside)
    try:
        link.replace(place)
    except OSError:
        if aside.exists():
            aside.rename(place)
        raise


def _sweep(place: Path) -> None:
    """Remove what belongs to a place, and does not lie behind it."""
    behind = place.readlink() if place.is_symlink() else None
    for path in place.parent.iterdir():
        if path.name == str(behind) or not _ours(place, path):
            continue
        if path.is_symlink():
            path.unlink(missing_ok=True)
        else:
            shutil.rmtree(path, ignore_errors=True)


def _ours(place: Path, path: Path) -> bool:
    """Whether something is called as we call what belongs to a place."""
    return bool(re.fullmatch(rf"\.{re.escape(place.name)}\.[0-9a-f]{{8}}\.(pages|link|aside)", str(path.name)))


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Runs take turns, so that what is left over is nobody's. The lock is the folder's own, and leaves no file."""
    held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield
    finally:
        os.close(held)
