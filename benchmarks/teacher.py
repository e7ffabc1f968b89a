"""How fast teachers judge and write on this machine, side by side in one run.

    python benchmarks/teacher.py [MODEL ...] [--concurrency 16 256]

A MODEL is a name of packaged weights, a Hub id or a folder. Each is served by vLLM in turn and asked, so many questions
at once, short judging questions (a shared instruction, a text of its own, one constrained token with
log-probabilities), 64 or four times so many, and writing ones (100 tokens each), as many as at once: with all tokens to
draw from, with `top_p` 0.95 and with `min_p` 0.05. Ratios within one run are what counts. Results:
benchmarks/results/teacher.csv, a line a model, concurrency and machine.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.parts.table import save
from factory import settings
from factory.evidence.circumstances import commit, hardware
from factory.teacher.cache import ReplyCache
from factory.teacher.chat import Endpoint, Request
from factory.teacher.client import TeacherClient
from factory.teacher.server import connect

RESULTS = Path(__file__).parent / "results" / "teacher.csv"
KEY = ("model", "concurrency", "hardware")
MODELS = ("qwen2.5-coder-1.5b-instruct", "qwen2.5-coder-0.5b-instruct")
WRITING: dict[str, dict[str, float]] = {
    "tokens_written_per_second": {},
    "with_top_p": {"top_p": 0.95},
    "with_min_p": {"min_p": 0.05},
}
ENDLESS = {"type": "array", "items": {"type": "string"}, "minItems": 80, "maxItems": 80}
"""Every reply is cut at its last token: a batch stays as large as it was."""
INSTRUCTION = "You sort customers' messages. " + "A: about a card. B: about a transfer. C: about something else. " * 6


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure every model and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", metavar="MODEL", default=MODELS)
    parser.add_argument("--concurrency", type=int, nargs="*", default=[16])
    parser.add_argument("--out", type=Path, default=RESULTS)
    asked = parser.parse_args(arguments)
    for model in asked.models:
        load = os.getloadavg()[0]
        with connect(model, settings.load()) as endpoint:
            for many in asked.concurrency:
                asyncio.run(_measure(endpoint, "warm", many, many))  # the first requests of a server pay for its start
                judged, _, judging = asyncio.run(_measure(endpoint, "judge", max(64, 4 * many), many))
                line: dict[str, object] = {"model": Path(model).name, "concurrency": many}
                line |= {"judged_per_second": f"{judged / judging:.2f}"}
                for kind in WRITING:
                    _, tokens, writing = asyncio.run(_measure(endpoint, kind, many, many))
                    line[kind] = f"{tokens / writing:.1f}"
                line["load_before"] = f"{load:.1f}"
                save(asked.out, KEY, line | {"hardware": hardware(), "commit": commit()})


async def _measure(endpoint: Endpoint, kind: str, count: int, concurrency: int) -> tuple[int, int, float]:
    """Requests answered, tokens written and seconds taken; nothing comes from a cache."""
    begin = 1000 * concurrency  # no measurement finds another's prompts in the server's cache of prefixes
    requests = [_request(kind, number) for number in range(begin, begin + count)]
    with tempfile.TemporaryDirectory() as folder:
        cache = ReplyCache(Path(folder) / "replies.db")
        async with TeacherClient(endpoint, cache, concurrency=concurrency) as client:
            begun = time.perf_counter()
            replies = await asyncio.gather(*(client.ask(request) for request in requests))
            seconds = time.perf_counter() - begun
        cache.close()
    return len(replies), sum(reply.completion_tokens for reply in replies), seconds


def _request(kind: str, number: int) -> Request:
    if kind in WRITING:
        text = f"Write as many different short messages of bank customers as you are let. Begin with {number} ({kind})."
        chat = [{"role": "user", "content": text}]
        return Request(chat, temperature=0.9, max_tokens=100, json_schema=ENDLESS, **WRITING[kind])
    question = (
        f"{INSTRUCTION}\nMessage {number} of {kind}: where has the payment gone that I made on day {number}?\nCode:"
    )
    return Request([{"role": "user", "content": question}], max_tokens=1, choices=["A", "B", "C"], top_logprobs=8)


if __name__ == "__main__":
    main()
