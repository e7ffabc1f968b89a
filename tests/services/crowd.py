"""Many people at one Argilla: they answer, change answers and search, and the server is killed among them."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil

from factory.services.argilla.credentials import WORKSPACE
from factory.services.argilla.server import ArgillaServer

CLIENTS = 8
RECORDS = 480
LABELS = ["yes", "no", "both"]
WORDS = ["refund", "crash", "invoice", "login", "slow", "thanks"]
WARM = 0.25  # of the time after the kill, until the server's memory is taken for what it needs
BETWEEN = 0.01  # seconds a person thinks


@dataclass
class Outcome:
    """What came of it.

    Attributes:
        answers, changes, searches: requests that the server acknowledged.
        cut: requests that the kill cut off; each was made again until it was acknowledged.
        errors: what should not have been: refusals, failures, wrong totals.
        lost: answers that were acknowledged, and are not there at the end as they were given.
        warm, end: the server's resident memory after the kill, once it was warm, and at the end; bytes.
        times: seconds a request took, by what it was.
    """

    answers: int = 0
    changes: int = 0
    searches: int = 0
    cut: int = 0
    errors: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    warm: int = 0
    end: int = 0
    times: dict[str, list[float]] = field(default_factory=lambda: {"answer": [], "search": []})

    def __str__(self) -> str:
        slow = {what: sorted(times)[int(0.95 * len(times))] for what, times in self.times.items() if times}
        return (
            f"{self.answers} answers, {self.changes} changed, {self.searches} searches, {self.cut} cut off; "
            f"{len(self.errors)} errors, {len(self.lost)} lost; "
            f"memory {self.warm / 2**20:.0f} MiB warm, {self.end / 2**20:.0f} MiB at the end; 95 % of "
            + ", of ".join(f"{what}s within {1000 * seconds:.0f} ms" for what, seconds in slow.items())
        )


def work(server: ArgillaServer, seconds: float) -> Outcome:
    """Let eight people work for so long, kill the server (SIGKILL) in the middle, start it again, and look."""
    dataset, records = _dataset(server)
    outcome, lock, stop = Outcome(), threading.Lock(), threading.Event()
    people = [Client(server, dataset, records, number, outcome, lock, stop) for number in range(CLIENTS)]
    for person in people:
        person.start()
    half = seconds / 2
    stop.wait(half)
    process = psutil.Process(_pid(server))
    os.kill(process.pid, signal.SIGKILL)
    process.wait(10)
    server.start()
    stop.wait(half * WARM)
    process = psutil.Process(_pid(server))
    outcome.warm = process.memory_info().rss
    stop.wait(half * (1 - WARM))
    outcome.end = process.memory_info().rss
    stop.set()
    for person in people:
        person.join()
    there = _answers(server, dataset)
    for person in people:
        for record, label in person.given.items():
            if there.get((record, person.user)) != label:
                outcome.lost.append(f"{person.user} said {label} of {record}: {there.get((record, person.user))}")
    return outcome


class Client(threading.Thread):
    """A person with an account of their own, who remembers what the server has acknowledged.

    Attributes:
        user: the account's id.
        given: record id to the label acknowledged last.
    """

    def __init__(
        self,
        server: ArgillaServer,
        dataset: str,
        records: list[str],
        number: int,
        outcome: Outcome,
        lock: Any,
        stop: threading.Event,
    ) -> None:
        super().__init__(daemon=True)
        self._dataset, self._records, self._outcome, self._lock, self._stopped = dataset, records, outcome, lock, stop
        self._chance = random.Random(number)
        self._responses: dict[str, str] = {}
        self.given: dict[str, str] = {}
        self.user, headers = _account(server, f"person-{time.time_ns()}-{number}")
        base = f"{server.url}/api/v1"
        self._http = httpx.Client(base_url=base, headers=headers, trust_env=False, timeout=60)

    def run(self) -> None:
        """Work until told to stop."""
        with self._http:
            while not self._stopped.is_set():
                try:
                    self._answer() if self._chance.random() < 0.5 else self._search()
                except Exception as error:  # noqa: BLE001 - whatever it is, it is what this looks for
                    self._note("errors", f"{type(error).__name__}: {error}")
                time.sleep(BETWEEN)

    def _answer(self) -> None:
        record, label = self._chance.choice(self._records), self._chance.choice(LABELS)
        body = {"values": {"label": {"value": label}}, "status": "submitted"}
        response, known = None, self._responses.get(record)
        while response is None:
            if known:
                response = self._ask("answer", "PUT", f"/responses/{known}", body)
            else:
                response = self._ask("answer", "POST", f"/records/{record}/responses", body)
            if response is not None and response.status_code == 409 and not known:
                # The request that the kill cut off had been committed.
                found = self._ask("answer", "GET", f"/records/{record}", None)
                mine = [one for one in (found.json()["responses"] if found else ()) if one["user_id"] == self.user]
                known, response = (mine[0]["id"], None) if mine else (None, response)
        if response.status_code not in (200, 201):
            self._note("errors", f"answer: {response.status_code} {response.text[:200]}")
            return
        self._responses[record] = response.json()["id"]
        self.given[record] = label
        self._note("changes" if known else "answers")

    def _search(self) -> None:
        word = self._chance.choice(WORDS)
        text = {"query": {"text": {"q": word}}}
        bodies: list[dict[str, Any]] = [
            text,
            _only({"entity": "metadata", "metadata_property": "source"}, "b"),
            _only({"entity": "response", "property": "status"}, "pending"),
            text | _only({"entity": "response", "property": "status"}, "submitted"),
        ]
        url = f"/me/datasets/{self._dataset}/records/search?limit=10&include=responses&include=suggestions"
        number = self._chance.randrange(len(bodies))
        response = None
        while response is None:
            response = self._ask("search", "POST", url, bodies[number])
        if response.status_code != 200:
            self._note("errors", f"search: {response.status_code} {response.text[:200]}")
            return
        expected = {0: RECORDS // len(WORDS), 1: RECORDS // 2, 2: len(self._records) - len(self.given)}.get(number)
        total = response.json()["total"]
        if expected is not None and not expected <= total <= expected + 1:
            self._note("errors", f"search {number}: {total} found, not {expected}")
        self._note("searches")

    def _ask(self, what: str, method: str, path: str, body: Any) -> httpx.Response | None:
        """A request; None where the server was killed meanwhile, after waiting a moment."""
        begun = time.perf_counter()
        try:
            response = self._http.request(method, path, json=body)
        except httpx.TransportError:
            self._note("cut")
            time.sleep(0.5)
            return None
        with self._lock:
            self._outcome.times[what].append(time.perf_counter() - begun)
        return response

    def _note(self, what: str, problem: str = "") -> None:
        with self._lock:
            if problem:
                self._outcome.errors.append(problem)
            else:
                setattr(self._outcome, what, getattr(self._outcome, what) + 1)


def _only(scope: dict[str, str], value: str) -> dict[str, Any]:
    return {"filters": {"and": [{"type": "terms", "scope": scope, "values": [value]}]}}


def _client(server: ArgillaServer) -> Any:
    import argilla

    return argilla.Argilla(api_url=server.url, api_key=server.credentials.api_key, trust_env=False)


def _dataset(server: ArgillaServer) -> tuple[str, list[str]]:
    """A dataset, and the ids of its records."""
    import argilla

    client = _client(server)
    settings = argilla.Settings(
        fields=[argilla.TextField(name="text", client=client)],
        questions=[argilla.LabelQuestion("label", LABELS, client=client)],
        metadata=[argilla.TermsMetadataProperty("source", client=client)],
        distribution=argilla.TaskDistribution(min_submitted=CLIENTS + 1),
    )
    name = f"crowd {time.time_ns()}"
    made = argilla.Dataset(name, workspace=WORKSPACE, settings=settings, client=client).create()
    items = [
        {
            "external_id": f"r{n}",
            "fields": {"text": f"{WORDS[n % len(WORDS)]} of customer{n}"},
            "metadata": {"source": "ab"[n % 2]},
        }
        for n in range(RECORDS)
    ]
    found = client.http_client.put(f"/api/v1/datasets/{made.id}/records/bulk", json={"items": items})
    return str(made.id), [record["id"] for record in found.raise_for_status().json()["items"]]


def _account(server: ArgillaServer, name: str) -> tuple[str, dict[str, str]]:
    """A new person's id, and the headers of their session."""
    import argilla

    client = _client(server)
    user = argilla.User(username=name, password="a password", role="annotator", client=client).create()
    user.add_to_workspace(client.workspaces(WORKSPACE))
    form = {"username": name, "password": "a password"}
    token = httpx.post(f"{server.url}/api/v1/token", data=form, trust_env=False).json()["access_token"]
    return str(user.id), {"Authorization": f"Bearer {token}"}


def _answers(server: ArgillaServer, dataset: str) -> dict[tuple[str, str], str]:
    """Record and user to the label given, of all responses."""
    found: dict[tuple[str, str], str] = {}
    http = _client(server).http_client
    for offset in range(0, RECORDS, 100):
        params = {"include": "responses", "offset": offset, "limit": 100}
        page = http.get(f"/api/v1/datasets/{dataset}/records", params=params).raise_for_status().json()
        for record in page["items"]:
            for one in record.get("responses") or ():
                found[record["id"], one["user_id"]] = one["values"]["label"]["value"]
    return found


def _pid(server: ArgillaServer) -> int:
    return int((Path(server.home).parent / "run" / "argilla.pid").read_text())
