"""An HTTP service for several specialists: `zoo serve`, or an ASGI app for a server of your own.

    from zoo.serve import app

    application = app(["finance/sentiment", "support/intent@1.2.0"], hub="path/to/hub")

Needs the extra `serve`: pip install specialist-zoo[serve]. FastAPI, uvicorn, prometheus-client and markdown-it-py are
imported in this package alone, when an app is made.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.audit import AuditLog
from zoo.engine import Engine
from zoo.fallback import Fallback
from zoo.hub import Hub
from zoo.serve.extra import need
from zoo.serve.limits import Limits
from zoo.serve.served import Served
from zoo.serve.trial import Trial

if TYPE_CHECKING:
    from fastapi import FastAPI

__all__ = ["Limits", "Served", "Trial", "app"]


def app(
    names: Sequence[str | Path | Trial | Served] | None,
    *,
    hub: str | Path | Hub | None = None,
    keys: str | Path | None = None,
    hosts: Sequence[str] | None = None,
    limits: Limits | None = None,
    audit: AuditLog | None = None,
    edge: str | Path | None = None,
    weights: str | None = None,
    threads: int = 1,
    engine: Engine | str | None = None,
    fallbacks: Mapping[str, Fallback] | None = None,
    chains: Sequence[str | Path] = (),
) -> FastAPI:
    """The ASGI app that `zoo serve` runs. Specialists are loaded once it starts (ASGI lifespan), not before.

    Args:
        names: what to serve, each specialist once: as `zoo.load` takes it; a zoo.serve.Trial of two versions; or what
            is loaded already, a specialist, zoo.Cascade, zoo.Shadow or zoo.Canary. Names alone, without a full version,
            follow the hub at every reload. None: all that the hub gives, if any, and those that come, from the next
            reload on.
        hub: as for `zoo.load`.
        keys: the file of API keys (`zoo keys`); None: whoever reaches the service may use it.
        hosts: names that it answers to (of the header Host, without the port). None: with keys any; without keys those
            of loopback alone, so that no page of the web can reach it by a name of its own.
        limits: how much is taken in, and how long it may take.
        audit: the log in which every decision is recorded before it is given out, and which is closed with the app;
            None: nothing is recorded.
        edge: a folder that npm installed transformers.js into: there is a page then, /edge, on which classifiers answer
            in the browser, and who may `read` gets the files of specialists. None: there is not.
        weights, threads, engine: as for `zoo.load`.
        fallbacks: whom specialists ask where they are not sure, by a specialist's name, or by '' for all other
            classifiers (zoo.fallback.Fallback). What a fallback is asked is counted together, and across reloads.
        chains: files that declare chains (zoo.chain_file); the specialists that they ask are served, too.

    Raises:
        MissingExtra: the extra is not installed.
        BadName, NoHub: a name or a hub is not written as it must be.
        BadInput: no name, or one specialist twice; or the file of a chain is not right.
        BadInput: the folder of `edge` holds no transformers.js.
        BadKeys: the file of keys can't be read, or can be read by others than its owner.
    """
    need()
    from zoo.serve.application import make

    how = {"weights": weights, "threads": threads, "engine": engine}
    return make(
        names,
        hub=hub,
        keys=keys,
        hosts=hosts,
        limits=limits or Limits(),
        audit=audit,
        edge=edge,
        how=how,
        fallbacks=fallbacks or {},
        chains=chains,
    )
