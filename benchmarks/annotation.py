"""How long a reviewer waits for a filtered search in the embedded Argilla.

    python benchmarks/annotation.py [RECORDS [HOME]]     default: 100000, in a temporary folder; a HOME is filled once

Made-up messages of 10 to 40 words (drawn as words are in language, by Zipf's law) with metadata, suggestions of two
questions, a vector of 384 numbers each, and answers to a tenth of them. The rows are written straight into Argilla's
database while it is down, as its own API writes them, for that takes a quarter of an hour; the search index is made at
the start after that, and how long that takes is in the table, too. Each query is asked as the web pages ask it, over
HTTP, for a page of ten, by a reviewer who is signed in; each is asked 20 times, after once for nothing. `found` is how
many records match. Results go to benchmarks/results/annotation.csv, a line a kind of query.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import json
import random
import sqlite3
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

from benchmarks.parts.table import save
from factory import settings
from factory.evidence.circumstances import hardware
from factory.services.argilla.backup import DATABASE
from factory.services.argilla.credentials import REVIEWER
from factory.services.argilla.server import ArgillaServer
from factory.services.process import free_port

RESULTS = Path(__file__).parent / "results" / "annotation.csv"
KEY = ("records", "query")
TIMES = 20
LABELS = [f"topic_{n:02}" for n in range(77)]
SOURCES = ["generated", "unlabelled", "mail", "chat", "forum"]
DIMENSIONS = 384
COMMON, USUAL, RARE = "word0", "word40", "word15000"


def main(records: int, home: Path) -> None:
    """Fill an Argilla, ask it, and write the table."""
    server = ArgillaServer(dataclasses.replace(settings.load(), home=home, argilla_port=free_port()))
    try:
        if not (server.home / DATABASE).exists():
            server.start()
            dataset = make(server)
            server.stop()
            fill(server.home / DATABASE, dataset, records)
            begun = time.perf_counter()
            server.start(timeout=3600)
            note(records, "start, index made anew", records, [time.perf_counter() - begun])
        server.start()
        measure(server, records)
    finally:
        server.stop()


def make(server: ArgillaServer) -> str:
    """A dataset without records; its id."""
    key = {"X-Argilla-Api-Key": server.credentials.api_key}
    with httpx.Client(base_url=f"{server.url}/api/v1", headers=key, trust_env=False, timeout=60) as http:

        def post(path: str, **body: Any) -> dict[str, Any]:
            made: dict[str, Any] = http.post(path, json=body).raise_for_status().json()
            return made

        (workspace,) = http.get("/me/workspaces").raise_for_status().json()["items"]
        made = f"/datasets/{post('/datasets', name='benchmark', workspace_id=workspace['id'])['id']}"
        post(f"{made}/fields", name="text", title="Text", required=True, settings={"type": "text"})
        options = [{"value": label, "text": label} for label in LABELS]
        label = {"type": "label_selection", "options": options}
        post(f"{made}/questions", name="label", title="Label", required=True, settings=label)
        quality = {"type": "rating", "options": [{"value": n} for n in range(1, 6)]}
        post(f"{made}/questions", name="quality", title="Quality", required=False, settings=quality)
        for name, kind in (("source", "terms"), ("length", "integer"), ("confidence", "float")):
            shape = {"name": name, "title": name, "visible_for_annotators": True, "settings": {"type": kind}}
            post(f"{made}/metadata-properties", **shape)
        post(f"{made}/vectors-settings", name="meaning", title="Meaning", dimensions=DIMENSIONS)
        http.put(f"{made}/publish").raise_for_status()
        return made.rpartition("/")[2]


def fill(database: Path, dataset: str, records: int) -> None:
    """Write records, suggestions, vectors and answers as Argilla's API writes them."""
    with contextlib.closing(sqlite3.connect(database)) as db, db:
        mine = uuid.UUID(dataset).hex
        questions = dict(db.execute("SELECT name, id FROM questions WHERE dataset_id = ?", [mine]))
        (vectors,) = db.execute("SELECT id FROM vectors_settings WHERE dataset_id = ?", [mine]).fetchone()
        (reviewer,) = db.execute("SELECT id FROM users WHERE username = ?", [REVIEWER]).fetchone()
        rows = "INSERT INTO {} ({}, id, inserted_at, updated_at) VALUES ({}, ?, ?)"
        for number, one in enumerate(drawn(records)):
            now = (datetime.datetime(2026, 1, 1) + datetime.timedelta(milliseconds=number)).isoformat(
                " ", "microseconds"
            )

            def write(table: str, now: str = now, **values: Any) -> str:
                key = uuid.uuid4().hex
                marks = ", ".join("?" * (len(values) + 1))
                names = ", ".join(f'"{name}"' for name in values)
                db.execute(rows.format(table, names, marks), [*values.values(), key, now, now])
                return key

            status = "completed" if one["answered"] else "pending"
            record = write(
                "records", fields=json.dumps({"text": one["text"]}), metadata=json.dumps(one["metadata"]),
                status=status, external_id=f"r{number}", dataset_id=mine,
            )  # fmt: skip
            for question, value, score in (("label", one["label"], one["score"]), ("quality", one["quality"], None)):
                write(
                    "suggestions", value=json.dumps(value), score=json.dumps(score), agent="teacher",
                    record_id=record, question_id=questions[question],
                )  # fmt: skip
            write("vectors", value=json.dumps(one["vector"]), record_id=record, vector_settings_id=vectors)
            if one["answered"]:
                values = json.dumps({"label": {"value": one["label"]}})
                write("responses", values=values, status="submitted", record_id=record, user_id=reviewer)


def drawn(records: int) -> Iterator[dict[str, Any]]:
    """Everything about each record."""
    chance = random.Random(0)
    words = [f"word{n}" for n in range(20_000)]
    weights, total = [], 0.0
    for n in range(len(words)):
        total += 1 / (n + 1)
        weights.append(total)
    for _ in range(records):
        length = chance.randint(10, 40)
        yield {
            "text": " ".join(chance.choices(words, cum_weights=weights, k=length)),
            "metadata": {
                "source": chance.choice(SOURCES),
                "length": length,
                "confidence": round(chance.random(), 4),
                "reason": "uncertain",
            },
            "label": chance.choice(LABELS),
            "score": round(chance.random(), 4),
            "quality": chance.randint(1, 5),
            "vector": [round(chance.uniform(-1, 1), 4) for _ in range(DIMENSIONS)],
            "answered": chance.random() < 0.1,
        }


def terms(scope: dict[str, str], *values: str) -> dict[str, Any]:
    """A filter by values."""
    return {"type": "terms", "scope": scope, "values": list(values)}


def between(scope: dict[str, str], low: float, high: float) -> dict[str, Any]:
    """A filter by a range."""
    return {"type": "range", "scope": scope, "ge": low, "le": high}


def queries(record: str) -> dict[str, dict[str, Any]]:
    """A search by what it is called."""
    source, length = ({"entity": "metadata", "metadata_property": name} for name in ("source", "length"))
    label, score, agent = (
        {"entity": "suggestion", "question": "label", "property": what} for what in ("value", "score", "agent")
    )
    mine, answer = {"entity": "response", "property": "status"}, {"entity": "response", "question": "label"}
    status = {"entity": "record", "property": "status"}

    def text(asked: str) -> dict[str, Any]:
        return {"query": {"text": {"q": asked}}}

    def only(*parts: dict[str, Any]) -> dict[str, Any]:
        return {"filters": {"and": list(parts)}}

    def by(scope: dict[str, str], order: str) -> dict[str, Any]:
        return {"sort": [{"scope": scope, "order": order}]}

    pending = terms(mine, "pending")
    similar = {"query": {"vector": {"name": "meaning", "record_id": record, "max_results": 50}}}
    return {
        "pending, as a reviewer starts": only(pending),
        "text: a word of most records": text(COMMON),
        "text: a word of many": text(USUAL),
        "text: a rare word": text(RARE),
        "text: two words": text(f"{USUAL} word100"),
        "text: a phrase": text(f'"{COMMON} word1"'),
        "text: not a word": text(f"{USUAL} -word3"),
        "text: a word's beginning": text("word123*"),
        "metadata: a value": only(terms(source, "mail")),
        "metadata: two values": only(terms(source, "mail", "chat")),
        "metadata: a range": only(between(length, 20, 25)),
        "suggestion: a label": only(terms(label, "topic_05")),
        "suggestion: a range of scores": only(between(score, 0.2, 0.4)),
        "suggestion: an agent": only(terms(agent, "teacher")),
        "status: completed": only(terms(status, "completed")),
        "status: answered by me": only(terms(mine, "submitted")),
        "answer: a label": only(terms(answer, "topic_05")),
        "combination: pending, metadata, label": only(pending, terms(source, "mail"), terms(label, "topic_05")),
        "combination: text, metadata, scores": text(USUAL) | only(terms(source, "mail"), between(score, 0.2, 0.4)),
        "combination: common text, pending, scores": text(COMMON) | only(pending, between(score, 0.2, 0.4)),
        "sort: by metadata": only(pending) | by(length, "desc"),
        "sort: by score": only(pending) | by(score, "asc"),
        "sort: by time of change": only(pending) | by({"entity": "record", "property": "updated_at"}, "desc"),
        "combination: metadata, sorted by score": only(terms(source, "mail")) | by(score, "desc"),
        "similar to a record": similar,
        "similar to a record, of a source": similar | only(terms(source, "mail")),
    }


def measure(server: ArgillaServer, records: int) -> None:
    """Ask everything, and write the table."""
    form = {"username": REVIEWER, "password": server.credentials.reviewer_password}
    token = httpx.post(f"{server.url}/api/v1/token", data=form, trust_env=False).json()["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    with httpx.Client(base_url=f"{server.url}/api/v1/me", headers=headers, trust_env=False, timeout=120) as http:
        dataset = http.get("/datasets").raise_for_status().json()["items"][0]["id"]
        url = f"/datasets/{dataset}/records/search?limit=10&include=responses&include=suggestions"
        record = http.post(url, json={}).raise_for_status().json()["items"][0]["record"]["id"]
        for name, body in queries(record).items():
            found, took = 0, []
            for _ in range(1 + TIMES):
                begun = time.perf_counter()
                found = http.post(url, json=body).raise_for_status().json()["total"]
                took.append(time.perf_counter() - begun)
            if not found:
                raise SystemExit(f"{name}: nothing was found, so nothing was measured")
            note(records, name, found, took[1:])
        took = []
        for _ in range(TIMES):
            begun = time.perf_counter()
            http.get(f"/datasets/{dataset}/metrics").raise_for_status()
            took.append(time.perf_counter() - begun)
        note(records, "progress of a reviewer", records, took)


def note(records: int, query: str, found: int, took: list[float]) -> None:
    """Write a line of the table."""
    ranked = sorted(took)
    line = {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "records": records,
        "query": query,
        "found": found,
        "p50_ms": f"{1000 * ranked[len(ranked) // 2]:.0f}",
        "p95_ms": f"{1000 * ranked[min(len(ranked) - 1, int(0.95 * len(ranked)))]:.0f}",
        "hardware": hardware(),
    }
    save(RESULTS, KEY, line)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000, Path(sys.argv[2] if len(sys.argv) > 2 else folder))
