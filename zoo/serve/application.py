"""The ASGI app: routes, what is before them, and what happens when it starts and ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from starlette.middleware import Middleware

from zoo.audit import AuditLog
from zoo.chain_file import read
from zoo.fallback import Fallback
from zoo.hub import Hub
from zoo.serve import browser, chaining, problem
from zoo.serve.chains import Chains, with_chains
from zoo.serve.counting import Counting
from zoo.serve.edge import Edge
from zoo.serve.keys import KeyFile
from zoo.serve.libraries import find
from zoo.serve.limits import Limits
from zoo.serve.metrics import Metrics
from zoo.serve.rate import Rates
from zoo.serve.resident import Name
from zoo.serve.routes import router
from zoo.serve.service import Service
from zoo.serve.shelf import Shelf
from zoo.version import __version__

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


def make(
    names: Sequence[Name] | None,
    *,
    hub: str | Path | Hub | None,
    keys: str | Path | None,
    hosts: Sequence[str] | None,
    limits: Limits,
    audit: AuditLog | None,
    edge: str | Path | None,
    how: Mapping[str, Any],
    fallbacks: Mapping[str, Fallback],
    chains: Sequence[str | Path],
) -> FastAPI:
    """See `zoo.serve.app`."""
    metrics = Metrics()
    declared = [read(file) for file in chains]
    named = None if names is None else with_chains(names, declared)  # of all, what a chain asks must be there
    shelf = Shelf(named, hub, limits, metrics, audit, how, fallbacks)
    service = Service(
        shelf=shelf,
        chains=Chains(declared, shelf),
        keys=KeyFile(keys) if keys is not None else None,
        rates=Rates(limits.rate, limits.burst),
        limits=limits,
        metrics=metrics,
        log=audit,
        libraries=find(edge) if edge is not None else None,
    )
    if service.keys is not None:
        service.keys.keys()  # one that can't be read is told now, not to the first client
    if hosts is None and service.keys is None:
        hosts = LOOPBACK
    app = FastAPI(
        title="Specialist zoo",
        summary="Small domain specialists: list them, read their cards, ask them.",
        version=__version__,
        openapi_url="/v1/openapi.json",
        docs_url=None,  # FastAPI's pages load scripts from elsewhere
        redoc_url=None,
        lifespan=_life,
        middleware=[
            Middleware(Counting, metrics=metrics),
            Middleware(Edge, hosts=hosts, body=limits.body, seconds=limits.seconds),
        ],
    )
    app.state.service = service
    app.include_router(router)
    app.include_router(chaining.router)
    app.include_router(browser.router)
    problem.install(app)
    return app


@asynccontextmanager
async def _life(app: FastAPI) -> AsyncIterator[None]:
    service: Service = app.state.service
    opening = asyncio.create_task(_open(service))
    try:
        yield
    finally:
        opening.cancel()
        with suppress(asyncio.CancelledError):
            await opening
        service.shelf.close()
        if service.log is not None:
            service.log.close()


async def _open(service: Service) -> None:
    try:
        await service.open()
    except Exception as error:  # noqa: BLE001  (whatever it is, there is nothing to serve, and somebody is told)
        service.failed = error
        service.on_failure(error)
