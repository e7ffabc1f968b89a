"""Logs of services only grow; one that has grown long loses all but its end."""

from __future__ import annotations

import os
from pathlib import Path

from factory.files import explained

LONG = 10_000_000
"""Bytes from which on a log is cut."""
REST = 1_000_000
"""Bytes of its end that stay."""


def long(home: Path) -> list[Path]:
    """The logs that are to be cut."""
    return sorted(path for path in (home / "logs").glob("*.log") if path.stat().st_size > LONG)


def cut(log: Path) -> Path:
    """Keep a log's end, from a line's beginning on, in `<name>.log.old`, and empty the log.

    Services have it open for appending, so they go on writing in it; what they write in this very moment is lost.
    """
    with explained(log):
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - REST))
            _, _, rest = file.read().partition(b"\n")
        old = log.with_name(f"{log.name}.old")
        part = log.with_name(f".{log.name}.part")
        part.write_bytes(rest)
        part.replace(old)
        os.truncate(log, 0)
    return log
