"""A service in a process of its own, for as long as it is measured."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil

from benchmarks.parts import untrained

ROOT = Path(__file__).resolve().parent.parent.parent


@contextmanager
def running(command: Sequence[str], more: Sequence[str], path: str) -> Iterator[tuple[str, psutil.Process]]:
    """Start it, and wait until it answers.

    Args:
        command: arguments of Python; the port is added.
        more: arguments after the port.
        path: where it is asked about a text.

    Yields:
        the address of that path, and the process.
    """
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen([sys.executable, *command, str(port), *more], cwd=ROOT, env=environment)
    url = f"http://127.0.0.1:{port}{path}"
    try:
        _ready(url, process)
        yield url, psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait(60)


def worked(process: psutil.Process) -> float:
    """Seconds of processors that it has used, all threads."""
    times = process.cpu_times()
    return float(times.user + times.system)


def _ready(url: str, process: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        if process.poll() is not None:
            raise RuntimeError(f"the service ended with {process.returncode}")
        try:
            if httpx.post(url, json={"text": untrained.WORDS[0]}, timeout=10).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise RuntimeError("the service does not answer")
