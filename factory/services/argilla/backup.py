"""Backup and restore of an Argilla home, and new secrets; standard library only, on the application's side.

A backup is one ZIP file that only its owner can read:

    about.json      format, time, and the sha256 of the others
    argilla.db      everything that people and machines wrote: accounts, datasets, records, answers
    secrets.json    passwords, API key, and what signs sessions

The secrets are in it because the database alone is no less secret (it has everybody's API key as it is), and because
with them whoever could sign in before can sign in after. The search side-car is not: it is made anew at the next start.
"""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import json
import os
import secrets
import shutil
import sqlite3
import zipfile
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from factory.errors import ServiceError
from factory.files import explained, file_sha256
from factory.services.argilla import credentials

DATABASE = "argilla.db"
_SECRETS = "secrets.json"
_ABOUT = "about.json"
_FORMAT = 1
_COUNTED = ("datasets", "records", "responses", "users")
_CHUNK = 1 << 20
_AT_WORKING_FOLDER = -100  # Linux's AT_FDCWD
_EXCHANGE = 2  # Linux's RENAME_EXCHANGE


def save(home: Path, file: Path) -> dict[str, int]:
    """Write a backup; the server may run meanwhile, and every answer acknowledged before the call is in it.

    Args:
        home: the folder of the Argilla.
        file: the backup, which must not be there yet; it appears whole or not at all, readable by its owner alone.

    Returns:
        How many datasets, records, responses and users it holds.

    Raises:
        ServiceError: there is no Argilla in the folder, the file is there already, or the database is damaged.
    """
    if not (home / DATABASE).exists():
        raise ServiceError(
            "There is no Argilla here to back up.",
            where=str(home),
            fix="Set FACTORY_HOME to the factory's that has one; `python -m factory.services argilla up` makes one.",
        )
    if file.exists():
        raise ServiceError(
            "There is a file of this name already.",
            where=str(file),
            fix="Give the backup another name, such as a date.",
        )
    with _beside(file) as part:
        _copy_database(home / DATABASE, part / DATABASE)
        counts = _examined(part / DATABASE)
        (part / _SECRETS).write_bytes(_secrets_of(home))
        names = (DATABASE, _SECRETS)
        about = {
            "format": _FORMAT,
            "made": datetime.now(UTC).isoformat(timespec="seconds"),
            "sha256": {name: file_sha256(part / name) for name in names},
        }
        packed = part / "packed"
        with packed.open("xb") as out:
            with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
                archive.writestr(_ABOUT, json.dumps(about, indent=2))
                for name in names:
                    archive.write(part / name, name)
            out.flush()
            os.fsync(out.fileno())
        packed.chmod(0o600)
        packed.rename(file)
    return counts


def restore(file: Path, home: Path, *, replace: bool = False) -> tuple[dict[str, int], Path | None]:
    """Put a backup in the place of a home, in one step; the server must not run.

    Args:
        file: what `save` wrote.
        home: where it is to be.
        replace: take the place of an Argilla that is there; that one is moved aside, not removed.

    Returns:
        How many datasets, records, responses and users there are now, and where the former home lies (None: there was
        none).

    Raises:
        ServiceError: the file is no backup or is damaged, or there is an Argilla and `replace` was not
            said. Nothing was changed then.
    """
    if (home / DATABASE).exists() and not replace:
        raise ServiceError(
            "There is an Argilla here already.",
            where=str(home),
            fix="Say `--replace` to put the backup in its place; what is there is moved aside, and kept.",
        )
    with _beside(home) as part:
        _unpack(file, part)
        try:
            counts = _examined(part / DATABASE)
            credentials.load(part)
        except ServiceError as error:
            raise _damaged(file, error.what) from error
        if not home.exists():
            part.rename(home)
            return counts, None
        aside = home.with_name(f"{home.name}.replaced-{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(2)}")
        _exchange(part, home)
        part.rename(aside)
    return counts, aside


def rotate(home: Path) -> None:
    """Draw all secrets anew; the server must not run, and takes them over at its next start.

    All sessions and API keys end, those of accounts made by hand, too. The passwords of `owner` and `reviewer` are new;
    those of other accounts stay, since only the people themselves know them.

    Raises:
        ServiceError: there is no Argilla in the folder.
    """
    if not (home / DATABASE).exists():
        raise ServiceError("There is no Argilla here, so no secrets either.", where=str(home))
    with _opened(home / DATABASE) as db, db:
        # Argilla's own length, so that no column is too short.
        everybody = [(secrets.token_urlsafe(80), user) for (user,) in db.execute("SELECT id FROM users")]
        db.executemany("UPDATE users SET api_key = ? WHERE id = ?", everybody)
    credentials.draw_anew(home)


@contextlib.contextmanager
def _beside(place: Path) -> Iterator[Path]:
    """A private folder on the same file system, gone afterwards unless it was renamed."""
    part = place.with_name(f".{place.name}.{secrets.token_hex(4)}.part")
    with explained(place):
        place.parent.mkdir(parents=True, exist_ok=True)
        part.mkdir(mode=0o700)
        try:
            yield part
        finally:
            shutil.rmtree(part, ignore_errors=True)


@contextlib.contextmanager
def _opened(database: Path) -> Iterator[sqlite3.Connection]:
    with contextlib.closing(sqlite3.connect(f"{database.resolve().as_uri()}?mode=rw", uri=True, timeout=60)) as db:
        yield db


def _copy_database(source: Path, target: Path) -> None:
    """One state of a database that may be written to meanwhile, as one file without a log beside it."""
    with _opened(source) as from_, contextlib.closing(sqlite3.connect(target)) as to:
        from_.backup(to)  # all pages within one reading transaction
        to.execute("PRAGMA journal_mode = DELETE")


def _examined(database: Path) -> dict[str, int]:
    """How much a database holds, which is whole and Argilla's."""
    try:
        with _opened(database) as db:
            found = [line for (line,) in db.execute("PRAGMA integrity_check")]
            if found != ["ok"]:
                raise ServiceError(f"The database is damaged: {found[0]}.", where=str(database))
            return {name: db.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in _COUNTED}  # noqa: S608
    except sqlite3.DatabaseError as error:
        raise ServiceError(f"This is not Argilla's database: {error}.", where=str(database)) from error


def _secrets_of(home: Path) -> bytes:
    credentials.load(home)
    return credentials.path(home).read_bytes()


def _unpack(file: Path, folder: Path) -> None:
    """The files of a backup, each as it was written."""
    try:
        with zipfile.ZipFile(file) as archive:
            about = json.loads(archive.read(_ABOUT))
            if about["format"] != _FORMAT:
                raise _damaged(file, f"it has format {about['format']}, and this version reads {_FORMAT}")
            for name in (DATABASE, _SECRETS):
                seen = hashlib.sha256()
                with archive.open(name) as packed, (folder / name).open("xb") as out:
                    while chunk := packed.read(_CHUNK):
                        seen.update(chunk)
                        out.write(chunk)
                    out.flush()
                    os.fsync(out.fileno())
                if seen.hexdigest() != about["sha256"][name]:
                    raise _damaged(file, f"{name} is not as it was written")
    except FileNotFoundError as error:
        raise ServiceError("This file is missing.", where=str(file)) from error
    except IsADirectoryError as error:
        raise ServiceError("This is a folder, not a backup.", where=str(file)) from error
    except (zipfile.BadZipFile, zlib.error, KeyError, TypeError, ValueError, EOFError, RuntimeError) as error:
        raise _damaged(file, str(error)) from error


def _damaged(file: Path, why: str) -> ServiceError:
    return ServiceError(
        f"This file is no backup of an Argilla, or is damaged: {why}.",
        where=str(file),
        fix="Take another backup. Nothing was changed.",
    )


def _exchange(one: Path, other: Path) -> None:
    """Let two folders trade places in one step, so that a kill at any moment leaves either the old home or the new."""
    libc = ctypes.CDLL(None, use_errno=True)
    names = (_AT_WORKING_FOLDER, os.fsencode(one), _AT_WORKING_FOLDER, os.fsencode(other))
    if libc.renameat2(*names, _EXCHANGE) != 0:
        code = ctypes.get_errno()
        raise ServiceError(
            f"This file system can't exchange two folders in one step ({os.strerror(code)}).",
            where=str(other),
            fix="Move the folder away by hand, and restore again.",
        )
