"""Small disks, which can be filled and closed."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def small_disk(place: Path, mebibytes: int) -> Iterator[Path]:
    """A disk of this size, mounted at a folder that is made; skips the test where none can be."""
    place.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={mebibytes}m", "tmpfs", place],
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode:
        pytest.skip(f"a disk that can be filled takes the right to mount one: {made.stderr.strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", place], check=True)


def fill(place: Path) -> Path:
    """Take all the room there is; the file that has it."""
    ballast = place / "ballast"
    with ballast.open("wb", buffering=0) as file:
        for size in (1 << 20, 4096):
            with pytest.raises(OSError, match="No space left"):
                while True:
                    file.write(bytes(size))
    return ballast


def close(place: Path) -> None:
    """Let nobody write on a disk any more."""
    subprocess.run(["mount", "-o", "remount,ro", place], check=True)


def reopen(place: Path) -> None:
    """Let everybody write on it again."""
    subprocess.run(["mount", "-o", "remount,rw", place], check=True)
