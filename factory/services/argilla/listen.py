"""Argilla's app on loopback, and through a door to other machines where the settings ask for one."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import Any

import uvicorn

from factory.services.argilla.door import Door
from factory.services.argilla.web import SelfContained, guarded

_QUIET: dict[str, Any] = {"access_log": False, "server_header": False}


def serve(app: Any, port: int, door: Door | None) -> None:
    """Serve it until stopped.

    Raises:
        OSError: the door's address is not this machine's, or is taken.
    """
    inside = uvicorn.Config(guarded(app), host="127.0.0.1", port=port, **_QUIET)
    if door is None:
        uvicorn.Server(inside).run()
        return
    # Bound before the loopback address answers: whoever waits for that learns at once that it can't be had.
    several = door.host == "::" and socket.has_dualstack_ipv6()
    family = socket.AF_INET6 if ":" in door.host else socket.AF_INET
    bound = socket.create_server((door.host, door.port), family=family, dualstack_ipv6=several)
    files: dict[str, Any] = {"ssl_certfile": door.certificate, "ssl_keyfile": door.key}
    # A page elsewhere that rebinds its DNS to here has no certificate for its own name: hosts need no list.
    outside = uvicorn.Config(SelfContained(app), lifespan="off", **_QUIET, **files)
    _Both(inside, outside, bound).run()


class _Both(uvicorn.Server):  # type: ignore[misc]
    """A server that opens and closes another with itself."""

    def __init__(self, inside: uvicorn.Config, outside: uvicorn.Config, bound: socket.socket) -> None:
        super().__init__(inside)
        self._bound = bound
        self._second: Any = uvicorn.Server(outside)
        self._second.capture_signals = contextlib.nullcontext  # signals are the first one's

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Open both."""
        await super().startup(sockets)
        self._served = asyncio.create_task(self._second.serve([self._bound]))

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close both; what is asked already is answered."""
        self._second.should_exit = True
        await self._served
        await super().shutdown(sockets)
