"""The site's pages over HTTP: to be read, and nothing else of this machine."""

from __future__ import annotations

from pathlib import Path

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles


class _Pages(StaticFiles):  # type: ignore[misc]
    """A folder of pages, which need not be there yet, and may be replaced as a whole at any time."""

    async def check_config(self) -> None:
        """Nothing is wrong with a folder that is still to be made: its pages are not found."""


def application(site: Path, hosts: list[str]) -> Starlette:
    """The server over the site's folder. Folders are not listed, and nothing outside of it is given out.

    Args:
        site: the folder; a link to one, too.
        hosts: the names this server answers to; others are refused, so that no web page can read it by its own name.
    """
    return Starlette(
        routes=[
            Route("/healthz", _alive),
            Mount("/", _Pages(directory=site, html=True, check_dir=False)),
        ],
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=hosts)],
    )


async def _alive(_: Request) -> Response:
    return PlainTextResponse("alive\n")
