"""What Argilla leaves to Redis and a worker elsewhere: recounts, webhooks; and many people at once."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import httpx
import pytest

from factory.services.argilla.credentials import WORKSPACE
from factory.services.argilla.server import ArgillaServer

pytestmark = pytest.mark.real


@pytest.fixture
def owner(argilla: ArgillaServer) -> Iterator[httpx.Client]:
    key = {"X-Argilla-Api-Key": argilla.credentials.api_key}
    with httpx.Client(base_url=f"{argilla.url}/api/v1", headers=key, trust_env=False, timeout=60) as client:
        yield client


def dataset(argilla: ArgillaServer, owner: httpx.Client, name: str, n: int) -> tuple[str, list[str]]:
    import argilla as rg

    client = rg.Argilla(api_url=argilla.url, api_key=argilla.credentials.api_key, trust_env=False)
    settings = rg.Settings(fields=[rg.TextField(name="text")], questions=[rg.LabelQuestion("label", ["yes", "no"])])
    made = rg.Dataset(name, workspace=WORKSPACE, settings=settings, client=client).create()
    made.records.log([rg.Record(id=f"r{i}", fields={"text": f"a text, number{i}"}) for i in range(n)])
    page = owner.get(f"/datasets/{made.id}/records", params={"limit": 1000}).raise_for_status().json()
    return str(made.id), [record["id"] for record in page["items"]]


def answer(owner: httpx.Client, record: str) -> int:
    body = {"values": {"label": {"value": "yes"}}, "status": "submitted"}
    return owner.post(f"/records/{record}/responses", json=body).status_code


def soon(said: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 30
    while not said() and time.monotonic() < deadline:
        time.sleep(0.1)
    return said()


@pytest.fixture
def listener() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    heard: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/heard", heard
    server.shutdown()
    server.server_close()
    thread.join()


def test_statuses_are_recounted_when_the_rule_changes(argilla: ArgillaServer, owner: httpx.Client) -> None:
    made, records = dataset(argilla, owner, "recount", 10)
    assert [answer(owner, record) for record in records[:3]] == [201] * 3

    def completed(minimum: int, expected: int) -> bool:
        rule = {"distribution": {"strategy": "overlap", "min_submitted": minimum}}
        owner.patch(f"/datasets/{made}", json=rule).raise_for_status()
        return soon(lambda: owner.get(f"/datasets/{made}/progress").json()["completed"] == expected)

    assert owner.get(f"/datasets/{made}/progress").json()["completed"] == 3
    assert completed(2, 0)
    assert completed(1, 3)


def test_many_at_once(argilla: ArgillaServer, owner: httpx.Client, listener: tuple[str, list[dict[str, Any]]]) -> None:
    url, heard = listener
    made, records = dataset(argilla, owner, "crowd", 60)
    hook = {"url": url, "events": ["response.created"], "description": "test"}
    webhook = owner.post("/webhooks", json=hook).raise_for_status().json()["id"]
    time.sleep(1.1)  # the server looks for new webhooks once a second at most
    query = {"query": {"text": {"q": "number7 | number8"}}}
    search = f"/me/datasets/{made}/records/search"
    with ThreadPoolExecutor(8) as pool:
        answers = [pool.submit(answer, owner, record) for record in records]
        searches = [pool.submit(owner.post, search, json=query) for _ in range(20)]
        assert {future.result() for future in answers} == {201}
        assert {future.result().status_code for future in searches} == {200}
        assert {future.result().json()["total"] for future in searches} == {2}
    assert owner.get(f"/datasets/{made}/progress").json()["completed"] == 60
    assert soon(lambda: len(heard) >= 60)
    assert {event["type"] for event in heard} == {"response.created"}
    assert {event["data"]["record"]["id"] for event in heard} == set(records)
    owner.delete(f"/webhooks/{webhook}").raise_for_status()
