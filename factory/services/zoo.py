"""The zoo's own service over what the hub gives: start it, find it, stop it, have it look for newer versions."""

from __future__ import annotations

import os
from pathlib import Path

from factory.files import explained
from factory.services import environments
from factory.services.process import LOOPBACK, Detached, State, bare_environment
from factory.settings import CHECKOUT, Settings
from zoo.hub import is_server

READS = ("ZOO_CACHE", "ZOO_TOKEN", "ZOO_SIGNED_BY", "XDG_CACHE_HOME", "HF_ENDPOINT", "HF_TOKEN")
"""Variables by which the zoo is told where to keep what it downloads, and whom to trust."""


class ZooServer:
    """`zoo serve --all` of one FACTORY_HOME, with every decision in the audit log `<home>/audit`."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.url = f"http://{LOOPBACK}:{settings.zoo_port}"

    def start(self, timeout: float = 300.0) -> bool:
        """Start it, or find it running; return once every specialist is loaded. True if it was started.

        Raises:
            ServiceError: its environment is missing, its port is taken, or it died (with the end of its log).
        """
        if not is_server(self._settings.hub):
            with explained(Path(self._settings.hub)):  # the first version would make it
                Path(self._settings.hub).mkdir(parents=True, exist_ok=True)
        return self._server(environments.python(self._settings, "app")).start(timeout)

    def stop(self) -> bool:
        """Stop it, once what it was asked is answered; False if it was not running."""
        return self._server().stop(grace=60.0)

    def reload(self) -> bool:
        """Have it load what the hub gives now; False if it does not run."""
        return self._server().hang_up()

    @property
    def state(self) -> State:
        """`up`, `starting` or `down`."""
        return self._server().state

    def describe(self) -> str:
        """Where it is, for a person."""
        texts = "with their texts" if self._settings.audit_texts else "without their texts"
        return f"{self.url}  answers for every specialist in the hub; decisions are in {self._settings.audit}, {texts}"

    def _server(self, python: Path | str = "python") -> Detached:
        command = [str(python), "-m", "zoo", "serve", "--all", "--hub", self._settings.hub]
        command += ["--port", str(self._settings.zoo_port), "--audit", str(self._settings.audit)]
        told = {name: os.environ[name] for name in READS if name in os.environ}
        return Detached(
            name="zoo",
            title="The zoo's service",
            command=[*command, *(["--audit-texts"] if self._settings.audit_texts else [])],
            environment=bare_environment(PYTHONPATH=str(CHECKOUT), PYTHONUNBUFFERED="1", **told),
            health=f"{self.url}/readyz",
            home=self._settings.home,
            port_setting="FACTORY_ZOO_PORT",
        )
