"""The worker of this machine: it runs what prefect.yaml schedules (flows/schedules.py)."""

from __future__ import annotations

from factory.services.prefect import PrefectServer
from factory.services.service import Service


class WorkerServer(Service):
    """The worker of one FACTORY_HOME: it runs scheduled flows, one at a time, each in a process of its own."""

    name, title, health = "worker", "The Prefect worker", "/health"
    inherits = True

    def start(self, timeout: float | None = None) -> bool:
        """See Service.start; the Prefect server that it asks comes first."""
        PrefectServer(self._settings).start()
        return super().start(timeout)

    def describe(self) -> str:
        """See Service.describe."""
        return f"runs what prefect.yaml schedules; what it does is in {self.log}"

    def _arguments(self) -> list[str]:
        return ["-m", "flows.schedules"]
