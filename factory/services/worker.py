"""The worker of this machine: start it, find it, stop it. It runs what prefect.yaml schedules (flows/schedules.py)."""

from __future__ import annotations

import os
from pathlib import Path

from factory.services import environments
from factory.services.prefect import PrefectServer
from factory.services.process import LOOPBACK, Detached, State
from factory.settings import CHECKOUT, Settings


class WorkerServer:
    """The worker of one FACTORY_HOME: it runs scheduled flows, one at a time, each in a process of its own.

    These are builds, too, and so it has the environment of whoever starts it, keys included.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.url = f"http://{LOOPBACK}:{settings.worker_port}"

    def start(self, timeout: float = 120.0) -> bool:
        """Start it and the Prefect server it asks, or find them; True if it was started. Raises ServiceError."""
        PrefectServer(self._settings).start()
        return self._server(environments.python(self._settings, "app")).start(timeout)

    def stop(self) -> bool:
        """Stop it, and the flows it runs; False if it was not running."""
        return self._server().stop()

    @property
    def state(self) -> State:
        """`up` (it asks Prefect for work, and is answered), `starting` or `down`."""
        return self._server().state

    def describe(self) -> str:
        """What it is for, for a person."""
        return f"runs what prefect.yaml schedules; what it does is in {self._server().log}"

    def _server(self, python: Path | str = "python") -> Detached:
        return Detached(
            name="worker",
            title="The Prefect worker",
            command=[str(python), "-m", "flows.schedules"],
            environment=os.environ | {"PYTHONPATH": str(CHECKOUT), "PYTHONUNBUFFERED": "1"},
            health=f"{self.url}/health",
            home=self._settings.home,
            port_setting="FACTORY_WORKER_PORT",
        )
