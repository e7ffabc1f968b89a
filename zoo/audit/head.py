"""The head: where the chain ends, so that records which are gone from the end are missed.

It is written twice a commit: before, where the chain will end; after, that it does. So a kill in between leaves a
chain that ends at one of two known places, and any other end is somebody's doing.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from zoo.audit.record import End

FILE = "head.json"
_SIZE = 512  # written over in place: on a full disk there is room for it, and a kill does not tear it


@dataclass(frozen=True)
class Head:
    """What head.json says.

    Attributes:
        last: where the chain ends.
        coming: where it ends if a commit that was under way succeeded; `last` where none was.
    """

    last: End
    coming: End


def create(folder: Path) -> None:
    """Begin a head, where there is none, or an empty one that a kill left of its making."""
    path = folder / FILE
    if path.exists() and path.stat().st_size:
        return
    with path.open("wb") as file:
        file.write(_line(Head(End(), End())))
        file.flush()
        os.fsync(file.fileno())


def write(folder: Path, head: Head, *, sync: bool) -> None:
    """Say where the chain ends; `sync` waits for the disk."""
    with (folder / FILE).open("r+b", buffering=0) as file:
        file.write(_line(head))
        if sync:
            os.fsync(file.fileno())


def read(folder: Path) -> Head | None:
    """Where the chain ends; None where nobody says so, or not legibly."""
    try:
        value = json.loads((folder / FILE).read_bytes())
        ends = [End(int(value[key]["number"]), str(value[key]["hash"])) for key in ("last", "coming")]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    return Head(*ends)


def _line(head: Head) -> bytes:
    return json.dumps(asdict(head)).encode().ljust(_SIZE - 1) + b"\n"
