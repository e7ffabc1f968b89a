"""The watch over builds that wait for people: start it, find it, stop it. What it does is flows/review.py."""

from __future__ import annotations

import os
from pathlib import Path

from factory.services import environments
from factory.services.process import LOOPBACK, Detached, State
from factory.settings import CHECKOUT, Settings


class WatchServer:
    """The watch of one FACTORY_HOME: it goes on with a build as soon as people have answered, or the deadline has come.

    It runs such builds itself, and so it has the environment of whoever starts it, keys included.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.url = f"http://{LOOPBACK}:{settings.watch_port}"

    def start(self, timeout: float = 120.0) -> bool:
        """Start it, or find it running; True if it was started. Raises ServiceError."""
        return self._server(environments.python(self._settings, "app")).start(timeout)

    def stop(self) -> bool:
        """Stop it, and the build it runs; False if it was not running."""
        return self._server().stop()

    @property
    def state(self) -> State:
        """`up`, `starting` or `down`."""
        return self._server().state

    @property
    def log(self) -> Path:
        """What it says, and the builds it goes on with."""
        return self._server().log

    def describe(self) -> str:
        """What it is for, for a person."""
        return f"goes on with builds when people have answered; what it does is in {self.log}"

    def _server(self, python: Path | str = "python") -> Detached:
        return Detached(
            name="watch",
            title="The watch over reviews",
            command=[str(python), "-m", "flows.review"],
            environment=os.environ | {"PYTHONPATH": str(CHECKOUT), "PYTHONUNBUFFERED": "1"},
            health=self.url,
            home=self._settings.home,
            port_setting="FACTORY_WATCH_PORT",
        )
