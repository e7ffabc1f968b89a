"""The embedded Prefect server: start it, find it, stop it; and what a process needs to report to it."""

from __future__ import annotations

from pathlib import Path

from factory.services import environments
from factory.services.process import LOOPBACK, Detached, State, bare_environment
from factory.settings import Settings

# DO_NOT_TRACK silences the SDK (prefect/_internal/analytics), the other what the server reports every ten minutes
# (prefect/server/services/telemetry.py); the web pages ask the server whether they may, and it says no.
QUIET = {"DO_NOT_TRACK": "1", "PREFECT_SERVER_ANALYTICS_ENABLED": "false"}


class PrefectServer:
    """The embedded Prefect of one FACTORY_HOME.

    Its database lies in `<home>/prefect`, apart from any Prefect this user may have. It stays up after the command
    that started it, so that people can look at the runs.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.home: Path = settings.home / "prefect"
        self.url = f"http://{LOOPBACK}:{settings.prefect_port}"

    def start(self, timeout: float = 120.0) -> bool:
        """Start it, or find it running; return once it answers.

        Returns:
            True if it was started, False if it was there.

        Raises:
            ServiceError: its environment is missing, its port is taken, or it died (with the end of its log).
        """
        return self._server(environments.python(self._settings, "app")).start(timeout)

    def stop(self) -> bool:
        """Stop it; False if it was not running."""
        return self._server().stop()

    @property
    def state(self) -> State:
        """`up`, `starting` or `down`."""
        return self._server().state

    def describe(self) -> str:
        """Where to open it, for a person."""
        return f"{self.url}  shows every run, its stages, figures and logs"

    def environment(self) -> dict[str, str]:
        """What a process sets, before it imports Prefect, to report its runs here."""
        return {
            **QUIET,
            "PREFECT_HOME": str(self.home),
            "PREFECT_PROFILES_PATH": str(self.home / "profiles.toml"),
            "PREFECT_API_URL": f"{self.url}/api",
        }

    def run_url(self, run: str) -> str:
        """The page of a flow run, by its id."""
        return f"{self.url}/runs/flow-run/{run}"

    def _server(self, python: Path | str = "python") -> Detached:
        port = str(self._settings.prefect_port)
        return Detached(
            name="prefect",
            title="Prefect",
            command=[str(python), "-m", "prefect", "server", "start", "--host", LOOPBACK, "--port", port],
            environment=bare_environment(
                **self.environment(),
                # Pages of other origins, open in the same browser, must not read or start runs.
                PREFECT_SERVER_CORS_ALLOWED_ORIGINS=self.url,
                PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT="false",
                PREFECT_SERVER_LOGGING_LEVEL="WARNING",
                PYTHONUNBUFFERED="1",
            ),
            health=f"{self.url}/api/health",
            home=self._settings.home,
            port_setting="FACTORY_PREFECT_PORT",
        )
