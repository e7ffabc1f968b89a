"""A stage is a function from files to files; its output is named by the content of its inputs.

A stage that has run is a folder under `builds/<specialist>/<stage>/<key>/`. The folder appears by one rename, so
it is there whole or not at all, and a stage whose folder is there is never run again. While a stage runs it works
in `.<key>.part`, which survives a kill: a stage that can go on where it was (checkpoints) finds its leftovers there.
The folder's time is when it was made or last found there, which tells what may go (factory.retention).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from factory.files import digest, explained, file_sha256, read_json, write_json


@dataclass(frozen=True)
class Output:
    """What a stage left: its folder, its key, and whether it was there already."""

    stage: str
    key: str
    path: Path
    reused: bool


def run(root: Path, stage: str, inputs: Mapping[str, Any], work: Callable[[Path], None]) -> Output:
    """Run a stage unless its output is there.

    Args:
        root: the specialist's build folder.
        stage: the stage's name, a folder under root.
        inputs: everything the output depends on. A Path is hashed by content; an Output counts by its key;
            anything else must be JSON.
        work: writes the output into the folder it is given. It may find leftovers of a killed attempt there.

    Returns:
        The finished output.
    """
    resolved = {name: _content(value) for name, value in sorted(inputs.items())}
    key = digest({"stage": stage, "inputs": resolved})[:16]
    final = root / stage / key
    if (final / "inputs.json").exists():
        with suppress(OSError):  # what can't be touched is not removed either
            os.utime(final)
        return Output(stage, key, final, reused=True)
    part = final.with_name(f".{key}.part")
    with explained(part):
        part.mkdir(parents=True, exist_ok=True)
        for torn in part.rglob(".*.part"):  # files that were being written when a kill came: else they'd be sealed, too
            if torn.is_file():
                torn.unlink()
        work(part)
        write_json(part / "inputs.json", resolved)
        part.replace(final)
    return Output(stage, key, final, reused=False)


def inputs_of(output: Path) -> dict[str, Any]:
    """What a finished stage was made from."""
    value: dict[str, Any] = read_json(output / "inputs.json")
    return value


def _content(value: Any) -> Any:
    if isinstance(value, Output):
        return f"{value.stage}:{value.key}"
    if isinstance(value, Path):
        return f"sha256:{file_sha256(value)}" if value.exists() else "absent"
    return value
