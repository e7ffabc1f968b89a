"""One process at a time builds a specialist: two would overwrite each other's unfinished stages. One refreshes it."""

from __future__ import annotations

import fcntl
import os
import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from factory.errors import ServiceError
from factory.files import explained
from factory.settings import Settings

What = Literal["build", "refresh"]
_DONE: Mapping[What, str] = {"build": "built", "refresh": "refreshed"}
_held: set[Path] = set()
_FLOCK = "hhqqi0q"  # Linux's struct flock: kind, whence, start, length, pid, padding


@contextmanager
def alone(spec: str, settings: Settings, what: What = "build") -> Iterator[None]:
    """Hold this specialist's build, or its refresh, for as long as the block lasts; within such a block, it is held.

    Raises:
        ServiceError: another process holds it.
    """
    path = _lock(settings.home, spec, what)
    if path in _held:  # to close the file a second time would let go of the lock
        yield
        return
    with explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a") as file:
            try:
                # Not flock: that lock would live on in worker processes that a kill of this one leaves behind.
                fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise ServiceError(
                    f"{spec} is being {_DONE[what]} by another process already.",
                    where=str(path),
                    fix="Wait for it, or stop it: what it has finished is kept.",
                ) from error
            _held.add(path)
            try:
                yield
            finally:
                _held.discard(path)


def builder(spec: str, settings: Settings) -> int | None:
    """The pid of the process that builds a specialist now; None where none does. It takes no lock, so it stops none."""
    try:
        with _lock(settings.home, spec, "build").open() as file:
            asked = struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
            kind, _, _, _, pid = struct.unpack(_FLOCK, fcntl.fcntl(file, fcntl.F_GETLK, asked))
    except FileNotFoundError:
        return None
    return None if kind == fcntl.F_UNLCK else int(pid)


def _lock(home: Path, spec: str, what: What) -> Path:
    return home / "run" / f"{what}-{spec.replace('/', '-')}.lock"
