"""`zoo serve` as a process, for the tests that need it whole."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

import zoo

ROOT = Path(zoo.__file__).parent.parent


class Running:
    """`zoo serve`, ready."""

    def __init__(self, *arguments: str) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        command = [sys.executable, "-m", "zoo", "serve", *arguments, "--port", str(self.port)]
        self._said = tempfile.TemporaryFile("w+")  # noqa: SIM115  (a pipe that nobody reads fills, and stops the service)
        self.process = subprocess.Popen(
            command, cwd=ROOT, env=os.environ | {"OMP_NUM_THREADS": "1"}, stderr=self._said, text=True
        )

    def ready(self) -> None:
        until = time.monotonic() + 60
        while time.monotonic() < until and self.process.poll() is None:
            try:
                if httpx.get(f"{self.url}/readyz").status_code == 200:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.05)
        self.process.kill()
        pytest.fail(self.wait()[1])

    def end(self, number: int = signal.SIGTERM) -> tuple[int, str]:
        """Exit code and what it said."""
        self.process.send_signal(number)
        return self.wait()

    def wait(self) -> tuple[int, str]:
        """The same, once it ends by itself."""
        code = self.process.wait(timeout=60)
        self._said.seek(0)
        return code, self._said.read()


@contextmanager
def running(*arguments: str) -> Iterator[Running]:
    service = Running(*arguments)
    try:
        service.ready()
        yield service
    finally:
        if service.process.poll() is None:
            service.process.kill()
            service.process.wait()
