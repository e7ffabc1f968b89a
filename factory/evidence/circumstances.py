"""Under what circumstances something was measured: the machine, the code, the moment."""

from __future__ import annotations

import platform
import re
import shutil
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from factory.processes import cores
from factory.settings import CHECKOUT


@dataclass(frozen=True)
class Circumstances:
    """What every record says besides its figure; see Evidence."""

    hardware: str = ""
    commit: str = ""
    created: str = ""


def here() -> Circumstances:
    """This machine, this checkout, now."""
    return Circumstances(hardware(), commit(), datetime.now(UTC).isoformat(timespec="seconds"))


def hardware() -> str:
    """The machine in words, without its name: `AMD EPYC 9B14, 2 cores, 24 GiB, no GPU`."""
    import psutil

    memory = round(psutil.virtual_memory().total / 2**30)
    return f"{_processor()}, {cores()} core{'s' if cores() != 1 else ''}, {memory} GiB, {_accelerator()}"


def commit(checkout: Path = CHECKOUT) -> str:
    """The checkout's commit, 12 hex digits, with `+` if tracked files differ from it; empty outside of git."""
    head = _output("git", "-C", str(checkout), "rev-parse", "--short=12", "HEAD")
    if not head:
        return ""
    changed = _output("git", "-C", str(checkout), "status", "--porcelain", "--untracked-files=no")
    return head + ("+" if changed else "")


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists() and (match := re.search(r"^model name\s*:\s*(.+)$", info.read_text(), re.MULTILINE)):
        return re.sub(r"\((?:R|TM)\)|\s+(?:CPU|Processor)\b|\s*@.*$", "", match.group(1)).strip()
    return platform.machine() or "unknown processor"


def _accelerator() -> str:
    names = _output("nvidia-smi", "--query-gpu=name", "--format=csv,noheader").splitlines()
    return f"{len(names)} x {names[0].strip()}" if names else "no GPU"


def _output(*command: str) -> str:
    if not shutil.which(command[0]):
        return ""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    except subprocess.TimeoutExpired:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
