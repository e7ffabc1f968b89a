"""Where a log is kept, by what its place looks like: a folder, or a database."""

from __future__ import annotations

import re
from pathlib import Path

from zoo.audit.folder import Folder
from zoo.audit.storage import Place, Rotation, Storage
from zoo.errors import BadInput, MissingExtra

_URL = re.compile(r"(postgresql|postgres):/")


def opened(
    log: Place | Storage, *, rotation: Rotation | None = None, timeout: float = 10.0, sync: bool = False
) -> Storage:
    """The storage of a log; nothing is made or connected yet.

    Args:
        log: a folder, or a URL that begins with postgresql://; or a storage, which is returned.
        rotation, timeout, sync: for those who write; see zoo.AuditLog.

    Raises:
        MissingExtra: a database needs psycopg, and it is not installed.
        BadInput: the URL can't be read.
    """
    if not isinstance(log, str | Path):
        return log
    rotation = rotation or Rotation()
    if not _URL.match(str(log)):
        return Folder(Path(log), rotation, timeout=timeout, sync=sync)
    if isinstance(log, Path):  # which has made one slash of two
        raise BadInput(f"A database is named by a text, not by a path: {log}.", fix="Give the URL as a str.")
    try:
        from zoo.audit.postgres import Postgres
    except ImportError as error:
        raise MissingExtra(
            f"An audit log in PostgreSQL needs psycopg, which can't be imported: {error}.",
            fix="pip install 'specialist-zoo[postgres]'",
        ) from error
    return Postgres(log, rotation, timeout=timeout)
