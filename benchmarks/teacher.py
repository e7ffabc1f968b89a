"""How fast teachers judge and write on this machine, side by side in one run.

    python benchmarks/teacher.py [MODEL ...]

A MODEL is a name of packaged weights, a Hub id or a folder. Each is served by vLLM in turn, asked 64 short judging
questions (a shared instruction, a text of its own, one constrained token with log-probabilities) and 16 writing ones
(100 tokens each), 16 at once. Results go to benchmarks/results/teacher.csv; ratios within one run are what counts.
"""

from __future__ import annotations

import asyncio
import csv
import os
import sys
import tempfile
import time
from pathlib import Path

from factory import settings
from factory.evidence.circumstances import hardware
from factory.teacher.cache import ReplyCache
from factory.teacher.chat import Endpoint, Request
from factory.teacher.client import TeacherClient
from factory.teacher.server import connect

RESULTS = Path(__file__).parent / "results" / "teacher.csv"
INSTRUCTION = "You sort customers' messages. " + "A: about a card. B: about a transfer. C: about something else. " * 6


def main(models: list[str]) -> None:
    """Measure every model and write the table."""
    rows = []
    for model in models:
        with connect(model, settings.load()) as endpoint:
            asyncio.run(_measure(endpoint, "warm", 2))  # the first requests of a server pay for its start
            judged, _, judging = asyncio.run(_measure(endpoint, "judge", 64))
            _, tokens, writing = asyncio.run(_measure(endpoint, "write", 16))
        rows.append(
            {
                "model": Path(model).name,
                "judged_per_second": f"{judged / judging:.2f}",
                "tokens_written_per_second": f"{tokens / writing:.1f}",
                "load_before": f"{os.getloadavg()[0]:.1f}",
                "hardware": hardware(),
            }
        )
        print(rows[-1])
    with RESULTS.open("w", newline="") as file:
        table = csv.DictWriter(file, rows[0])
        table.writeheader()
        table.writerows(rows)


async def _measure(endpoint: Endpoint, kind: str, count: int) -> tuple[int, int, float]:
    """Requests answered, tokens written and seconds taken; nothing comes from a cache."""
    requests = [_request(kind, number) for number in range(count)]
    with tempfile.TemporaryDirectory() as folder:
        cache = ReplyCache(Path(folder) / "replies.db")
        async with TeacherClient(endpoint, cache, concurrency=16) as client:
            begun = time.perf_counter()
            replies = await asyncio.gather(*(client.ask(request) for request in requests))
            seconds = time.perf_counter() - begun
        cache.close()
    return len(replies), sum(reply.completion_tokens for reply in replies), seconds


def _request(kind: str, number: int) -> Request:
    if kind == "write":
        text = f"Write a list of many short messages of bank customers. Begin with message number {number}."
        return Request([{"role": "user", "content": text}], temperature=0.9, max_tokens=100)
    question = (
        f"{INSTRUCTION}\nMessage {number} of {kind}: where has the payment gone that I made on day {number}?\nCode:"
    )
    return Request([{"role": "user", "content": question}], max_tokens=1, choices=["A", "B", "C"], top_logprobs=8)


if __name__ == "__main__":
    main(sys.argv[1:] or ["qwen2.5-coder-1.5b-instruct", "qwen2.5-coder-0.5b-instruct"])
