"""The Python on a specialist's card, run as somebody would who copied it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from factory.settings import CHECKOUT


def run(folder: Path, hub: Path, home: Path) -> list[str]:
    """What each block of the README.md in a specialist's folder prints, run there, offline."""
    blocks = re.findall(r"```python\n(.*?)```", (folder / "README.md").read_text(), flags=re.DOTALL)
    environment = {
        "PATH": "",
        "HOME": str(home),
        "PYTHONPATH": str(CHECKOUT),
        "ZOO_HUB": str(hub),
        "HF_HUB_OFFLINE": "1",
        "OMP_NUM_THREADS": "1",
    }
    said = []
    for block in blocks:
        done = subprocess.run(
            [sys.executable, "-c", block], cwd=folder, env=environment, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, done.stderr
        said.append(done.stdout)
    return said
