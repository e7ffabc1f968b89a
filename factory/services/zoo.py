"""The zoo's own service over what the hub gives."""

from __future__ import annotations

import os
from pathlib import Path

from factory.files import explained
from factory.services.process import bare_environment
from factory.services.service import Service
from factory.settings import CHECKOUT
from zoo.hub import is_server

READS = ("ZOO_CACHE", "ZOO_TOKEN", "ZOO_SIGNED_BY", "XDG_CACHE_HOME", "HF_ENDPOINT", "HF_TOKEN")
"""Variables by which the zoo is told where to keep what it downloads, and whom to trust."""


class ZooServer(Service):
    """`zoo serve --all` of one FACTORY_HOME, with every decision in the audit log `<home>/audit`."""

    name, title, health = "zoo", "The zoo's service", "/readyz"
    within = 300.0  # until every specialist is loaded
    grace = 60.0  # until what it was asked is answered

    def start(self, timeout: float | None = None) -> bool:
        """See Service.start."""
        if not is_server(self._settings.hub):
            with explained(Path(self._settings.hub)):  # the first version would make it
                Path(self._settings.hub).mkdir(parents=True, exist_ok=True)
        return super().start(timeout)

    def describe(self) -> str:
        """See Service.describe."""
        texts = "with their texts" if self._settings.audit_texts else "without their texts"
        return f"{self.url}  answers for every specialist in the hub; decisions are in {self._settings.audit}, {texts}"

    def _arguments(self) -> list[str]:
        kept = ["--audit", str(self._settings.audit), *(["--audit-texts"] if self._settings.audit_texts else [])]
        return ["-m", "zoo", "serve", "--all", "--hub", self._settings.hub, "--port", str(self._port), *kept]

    def _environment(self) -> dict[str, str]:
        told = {name: os.environ[name] for name in READS if name in os.environ}
        return bare_environment(PYTHONPATH=str(CHECKOUT), PYTHONUNBUFFERED="1", **told)
