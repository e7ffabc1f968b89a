"""What npm installs for the edge: transformers.js, and the ONNX Runtimes it brings."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

FOLDER = "ZOO_NPM"
"""The variable with a folder that has them already."""


@pytest.fixture(scope="session")
def npm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which they are installed; skips where npm is missing or reaches no registry."""
    if given := os.environ.get(FOLDER):
        return Path(given)
    if not shutil.which("npm"):
        pytest.skip("npm is missing: apt-get install npm")
    folder = tmp_path_factory.mktemp("npm")
    (folder / "package.json").write_text("{}")
    command = ["npm", "install", "--prefer-offline", "--ignore-scripts", "--no-audit", "--no-fund"]
    try:
        done = subprocess.run(
            [*command, "@huggingface/transformers@4"],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
    except subprocess.TimeoutExpired:
        pytest.skip("npm did not end within 5 minutes")
    if done.returncode:
        pytest.skip(f"npm can't install transformers.js: {done.stderr[-300:]}")
    return folder
