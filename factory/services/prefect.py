"""The embedded Prefect server, and what a process needs to report to it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from factory.services.process import LOOPBACK, bare_environment
from factory.services.service import Service
from factory.settings import Settings

# DO_NOT_TRACK silences the SDK (prefect/_internal/analytics), the other what the server reports every ten minutes
# (prefect/server/services/telemetry.py); the web pages ask the server whether they may, and it says no.
QUIET = {"DO_NOT_TRACK": "1", "PREFECT_SERVER_ANALYTICS_ENABLED": "false"}


class PrefectServer(Service):
    """The embedded Prefect of one FACTORY_HOME.

    Its database lies in `<home>/prefect`, apart from any Prefect this user may have. It stays up after the command
    that started it, so that people can look at the runs.
    """

    name, title, health = "prefect", "Prefect", "/api/health"

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.home: Path = settings.home / "prefect"

    def describe(self) -> str:
        """See Service.describe."""
        return f"{self.url}  shows every run, its stages, figures and logs"

    def environment(self) -> dict[str, str]:
        """What a process sets, before it imports Prefect, to report its runs here."""
        return {
            **QUIET,
            "PREFECT_HOME": str(self.home),
            "PREFECT_PROFILES_PATH": str(self.home / "profiles.toml"),
            "PREFECT_API_URL": f"{self.url}/api",
        }

    def _arguments(self) -> list[str]:
        return ["-m", "prefect", "server", "start", "--host", LOOPBACK, "--port", str(self._port)]

    def _environment(self) -> Mapping[str, str]:
        return bare_environment(
            **self.environment(),
            # Pages of other origins, open in the same browser, must not read or start runs.
            PREFECT_SERVER_CORS_ALLOWED_ORIGINS=self.url,
            PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT="false",
            PREFECT_SERVER_LOGGING_LEVEL="WARNING",
            PYTHONUNBUFFERED="1",
            **self._retention(),
        )

    def _retention(self) -> dict[str, str]:
        """Have it forget runs that ended so long ago, and so none that waits. Events it keeps for a week."""
        if not self._settings.keep_days:
            return {}
        return {
            "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "events,flow_runs",
            "PREFECT_SERVER_SERVICES_DB_VACUUM_RETENTION_PERIOD": str(self._settings.keep_days * 86_400),
        }
