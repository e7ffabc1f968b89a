"""The service in a test: its app in this process, and a client of it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from zoo.classifier import Classifier
from zoo.serve import app

NAME = "finance/sentiment"
PREDICT = "/v1/specialists/{}/predict"


@asynccontextmanager
async def serving(
    names: list[Any] | None, *, hub: Path | None = None, **options: Any
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an app that has started; `client.app` is the app."""
    made = app(names, hub=hub, **options)
    async with made.router.lifespan_context(made):
        while not made.state.service.shelf.opened and made.state.service.failed is None:
            await asyncio.sleep(0.01)
        transport = httpx.ASGITransport(made, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            client.app = made  # type: ignore[attr-defined]
            yield client


async def ask(client: httpx.AsyncClient, name: str, text: Any, **more: Any) -> httpx.Response:
    """POST to a specialist."""
    return await client.post(PREDICT.format(name), json={"text": text, **more})


def problem(answer: httpx.Response, status: int) -> dict[str, Any]:
    """The problem details that an answer of this status holds."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    said: dict[str, Any] = answer.json()
    assert said["status"] == status and said["title"] and said["detail"]
    return said


class Held:
    """Classifiers that answer when they are let go."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.go, self.calls = threading.Event(), list[list[str]]()
        really = Classifier.predict

        def predict(specialist: Classifier, text: Any, **how: Any) -> Any:
            self.calls.append(text)
            assert self.go.wait(20)
            return really(specialist, text, **how)

        monkeypatch.setattr(Classifier, "predict", predict)


async def until(condition: Callable[[], Any]) -> None:
    """Wait for it, as long as a test may."""
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.005)
