"""Requests to predict, counted by specialist and status, whoever answered them."""

from __future__ import annotations

import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from zoo.serve.metrics import Metrics

SPECIALIST = "zoo.specialist"
"""The scope's key for the specialist that a request found; made-up names must not become series of their own."""


class Counting:
    """An ASGI middleware, the outermost."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, and count."""
        if scope["type"] != "http" or not scope["path"].endswith("/predict"):
            await self._app(scope, receive, send)
            return
        status, begun = 500, time.perf_counter()  # what is sent further out, where nothing is sent below

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        self._metrics.open.inc()
        try:
            await self._app(scope, receive, noted)
        finally:
            self._metrics.open.dec()
            name = scope.get(SPECIALIST, "")
            self._metrics.requests.labels(name, str(status)).inc()
            if name:
                self._metrics.latency.labels(name).observe(time.perf_counter() - begun)
