"""Tell the services that show what is published, or what waits, to look again."""

from __future__ import annotations

from factory.services.site.server import SiteServer
from factory.services.zoo import ZooServer
from factory.settings import Settings


def tell(settings: Settings) -> None:
    """Have the zoo's service load what the hub gives now, and the site made anew; those that do not run will anyway.

    It is a signal to a process on this machine, waits for nothing and fails nobody.
    """
    ZooServer(settings).reload()
    SiteServer(settings).reload()
