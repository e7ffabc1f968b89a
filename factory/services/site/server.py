"""Starting the site's server: the pages of `<home>/site`, on loopback."""

from __future__ import annotations

import os
from pathlib import Path

from factory.services import environments
from factory.services.process import LOOPBACK, Detached, State, bare_environment
from factory.settings import CHECKOUT, Settings


class SiteServer:
    """The site's server of one FACTORY_HOME. It makes the site when it starts, and again whenever it is told to."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.url = f"http://{LOOPBACK}:{settings.site_port}"

    def start(self, timeout: float = 60.0) -> bool:
        """Start it, or find it running; True if it was started. Raises ServiceError."""
        return self._server(environments.python(self._settings, "app")).start(timeout)

    def stop(self) -> bool:
        """Stop it; the pages stay. False if it was not running."""
        return self._server().stop()

    def reload(self) -> bool:
        """Have it make the site anew; False if it does not run."""
        return self._server().hang_up()

    @property
    def state(self) -> State:
        """`up`, `starting` or `down`."""
        return self._server().state

    def describe(self) -> str:
        """Where it is, for a person."""
        return f"{self.url}  shows the family and reviews that wait; the pages are in {self._settings.site}"

    def _server(self, python: Path | str = "python") -> Detached:
        where = self._settings
        places = {"HOME": where.home, "HUB": where.hub, "PROMPTS": where.prompts, "GOLD": where.gold}
        told = {f"FACTORY_{name}": str(place) for name, place in places.items()}
        told |= {name: os.environ[name] for name in ("HF_TOKEN", "HF_ENDPOINT") if name in os.environ}
        return Detached(
            name="site",
            title="The site's server",
            command=[str(python), "-m", "factory.services.site", "--port", str(where.site_port)],
            environment=bare_environment(PYTHONPATH=str(CHECKOUT), PYTHONUNBUFFERED="1", **told),
            health=f"{self.url}/healthz",
            home=where.home,
            port_setting="FACTORY_SITE_PORT",
        )
