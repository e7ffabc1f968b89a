"""What a training takes: time, over all its restarts, and the most memory that its process held."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from factory.files import write_json

TOOK = "took.json"
SELF = Path("/proc/self")


class Took:
    """A clock that begins when it is made.

    Attributes:
        before: seconds of earlier processes that did a part of the same.
    """

    def __init__(self) -> None:
        self.before = 0.0
        self._begun = time.monotonic()
        self._known = _forget()

    @property
    def seconds(self) -> float:
        """So far."""
        return self.before + time.monotonic() - self._begun

    def write(self, folder: Path, threads: int | None) -> None:
        """Leave took.json in a folder: `seconds`, `peak_bytes` of this process since it began (null: not known here),
        and `threads` (null: of a GPU)."""
        said: dict[str, Any] = {"seconds": round(self.seconds, 3), "peak_bytes": _peak() if self._known else None}
        write_json(folder / TOOK, {**said, "threads": threads})


def _forget() -> bool:
    """Have Linux count the most memory held from now on (proc(5), clear_refs); whether it does."""
    try:
        (SELF / "clear_refs").write_text("5")
    except OSError:
        return False
    return True


def _peak() -> int | None:
    """In bytes."""
    try:
        lines = (SELF / "status").read_text().splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM")), None)
