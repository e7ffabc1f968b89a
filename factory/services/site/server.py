"""Starting the site's server: the pages of `<home>/site`, on loopback."""

from __future__ import annotations

import os

from factory.services.process import bare_environment
from factory.services.service import Service
from factory.settings import CHECKOUT


class SiteServer(Service):
    """The site's server of one FACTORY_HOME. It makes the site when it starts, and again whenever it is told to."""

    name, title, health = "site", "The site's server", "/healthz"
    within = 60.0

    def describe(self) -> str:
        """See Service.describe."""
        return f"{self.url}  shows the family and reviews that wait; the pages are in {self._settings.site}"

    def _arguments(self) -> list[str]:
        return ["-m", "factory.services.site", "--port", str(self._port)]

    def _environment(self) -> dict[str, str]:
        where = self._settings
        places = {"HOME": where.home, "HUB": where.hub, "PROMPTS": where.prompts, "GOLD": where.gold}
        told = {f"FACTORY_{name}": str(place) for name, place in places.items()}
        told |= {name: os.environ[name] for name in ("HF_TOKEN", "HF_ENDPOINT") if name in os.environ}
        return bare_environment(PYTHONPATH=str(CHECKOUT), PYTHONUNBUFFERED="1", **told)
