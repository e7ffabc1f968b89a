"""The service as a process: uvicorn, signals, and what is said at the start."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import uvicorn

from zoo.audit import AuditLog
from zoo.errors import BadInput
from zoo.fallback import Fallback
from zoo.serve.application import LOOPBACK, make
from zoo.serve.limits import Limits
from zoo.serve.resident import Name
from zoo.serve.service import Service

log = logging.getLogger("zoo.serve")


def run(
    names: Sequence[Name] | None,
    *,
    host: str,
    port: int,
    hub: str | None,
    keys: str | Path | None,
    limits: Limits,
    audit: AuditLog | None,
    edge: str | None,
    weights: str | None,
    threads: int,
    engine: str | None,
    fallbacks: Mapping[str, Fallback],
    chains: Sequence[str],
) -> None:
    """Serve until told to stop (SIGTERM, SIGINT); requests in flight are answered first. SIGHUP reloads.

    Raises:
        BadInput: an address of other machines without keys, or one that can't be listened at.
        what `zoo.load` raises, where a specialist can't be loaded at the start.
    """
    if keys is None and not _loopback(host):
        raise BadInput(
            f"Without API keys the service listens on this machine alone, not at {host}.",
            where="--host",
            fix="Make a key (zoo keys add FILE --name NAME --scope predict --scope read) and give --keys FILE, "
            "or leave --host out.",
        )
    logging.basicConfig(format="zoo: %(message)s", stream=sys.stderr, level=logging.WARNING)
    log.setLevel(logging.INFO)
    how = {"weights": weights, "threads": threads, "engine": engine}
    hosts = None if keys is not None else (*LOOPBACK, host)
    app = make(
        names,
        hub=hub,
        keys=keys,
        hosts=hosts,
        limits=limits,
        audit=audit,
        edge=edge,
        how=how,
        fallbacks=fallbacks,
        chains=chains,
    )
    service: Service = app.state.service
    listening = listen(host, port)
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,  # a line a request is what /metrics is for, and costs as much as an answer
        server_header=False,
        timeout_graceful_shutdown=limits.drain,  # type: ignore[arg-type]  # uvicorn hands it to asyncio as it is
        backlog=2048,
    )
    shown = f"[{host}]" if ":" in host else host
    log.info("http://%s:%s", shown, listening.getsockname()[1])
    if edge is not None:
        log.info("classifiers answer in the browser at /edge, and their files are given out")
    if keys is None:
        log.info("open: no API keys, so whoever can reach this machine's loopback may ask (--keys FILE changes that)")
    if service.keys is not None and not service.keys.keys():
        log.info("nobody may ask yet: there is no key in %s (zoo keys add)", keys)
    with listening:
        asyncio.run(_serve(uvicorn.Server(config), service, listening))
    if service.failed is not None:
        raise service.failed


async def _serve(server: uvicorn.Server, service: Service, listening: socket.socket) -> None:
    # uvicorn raises a signal again once it has ended well; to end well is what SIGTERM asks for.
    signal.signal(signal.SIGTERM, lambda *_: None)
    reloads: set[asyncio.Task[Any]] = set()

    def reload() -> None:
        task = asyncio.create_task(service.shelf.reload())
        reloads.add(task)
        task.add_done_callback(reloads.discard)

    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, reload)
    service.on_failure = lambda _: setattr(server, "should_exit", True)  # `run` raises it
    await server.serve(sockets=[listening])


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens at an address; raises BadInput where there is none to be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listening = socket.create_server((host, port), family=family, backlog=2048)
        # asyncio knows sockets of its own making to be TCP, and not ours; connections inherit this. Without it every
        # answer's second packet waits for the acknowledgement of the first: 40 ms.
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return listening
    except (OSError, OverflowError) as error:
        fix = "Give another --port, or a --host of this machine."
        raise BadInput(f"The service can't listen at {host}:{port}: {error}.", where="--port", fix=fix) from error
