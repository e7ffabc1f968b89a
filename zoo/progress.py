"""How far a command is, on standard error: one line that is written over, and only where a person looks."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")
EVERY = 0.5  # seconds


def told(items: Iterable[T], *, shown: bool | None = None) -> Iterator[T]:
    """Pass items on, and tell how many were dealt with, and how many a second.

    Args:
        items: of any number.
        shown: whether it is told; None: where standard error is a terminal.
    """
    if shown is None:
        shown = sys.stderr.isatty()
    if not shown:
        yield from items
        return
    begun = last = time.monotonic()
    done = 0
    try:
        for item in items:
            yield item
            done += 1
            if (now := time.monotonic()) - last >= EVERY:
                last = now
                _tell(done, now - begun, "\r")
    finally:
        _tell(done, time.monotonic() - begun, "\n")


def _tell(done: int, seconds: float, end: str) -> None:
    print(f"zoo: {done} texts, {done / max(seconds, 1e-9):.0f} a second ", end=end, file=sys.stderr, flush=True)
