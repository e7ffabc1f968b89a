"""Tokens a second that our client gets out of a real vLLM, beside vLLM's own serving benchmark on the same prompts.

    python benchmarks/engine_vllm.py [--model NAME] [--repeats 3] [--count 32] [--concurrency 16]

Starts vLLM as a build does (or asks FACTORY_TEACHER_URL) and lets `vllm bench serve` and our client with its cache
take turns, so that neither has the quieter machine. Both ask greedily for the same number of tokens with the same
prompts but for a number at their beginning, which differs for every turn: neither our cache nor vLLM's cache of
prefixes has seen them. vLLM's benchmark streams, ours does not. Each process's start does not count, nor does a first
turn that warms the server. Rows: benchmarks/results/engine_vllm.csv; the ratio is of medians, and 0.95 is wanted.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from benchmarks.parts.table import save
from factory import settings
from factory.evidence.circumstances import here
from factory.files import write_jsonl
from factory.teacher.cache import ReplyCache
from factory.teacher.chat import Endpoint, Reply, Request
from factory.teacher.client import TeacherClient
from factory.teacher.server import connect

RESULTS = Path(__file__).parent / "results" / "engine_vllm.csv"
KEY = ("way", "concurrency", "model", "hardware")
SCRIPT = Path(__file__).parent / "parts" / "vllm_serve.py"
MAX_TOKENS = 64

Chat = list[dict[str, str]]


def main() -> None:
    """Measure, print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="qwen2.5-coder-0.5b-instruct")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--count", type=int, default=32)
    parser.add_argument("--concurrency", type=int, default=16)
    given = parser.parse_args()
    known, load = settings.load(), os.getloadavg()[0]
    python = known.environments / "teacher" / "bin" / "python"
    rates: dict[str, list[float]] = {"vllm bench serve": [], "our client and cache": []}
    with connect(given.model, known) as endpoint, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        asyncio.run(_ours(endpoint, _chats(0, given.count), given.concurrency, folder / "warm.db"))
        for turn in range(1, 2 * given.repeats, 2):
            theirs = _theirs(python, endpoint, _chats(turn, given.count), given.concurrency, folder)
            cache = folder / f"{turn}.db"
            ours = asyncio.run(_ours(endpoint, _chats(turn + 1, given.count), given.concurrency, cache))
            for way, rate in zip(rates, (theirs, ours), strict=True):
                rates[way].append(rate)
                print(f"{way:<22} {rate:7.1f} tokens/s")
    medians = {way: statistics.median(found) for way, found in rates.items()}
    about, reference = here(), medians["vllm bench serve"]
    for way, found in rates.items():
        spread = (("min", min(found)), ("median", medians[way]), ("max", max(found)))
        line: dict[str, object] = {"way": way}
        line |= {f"tokens_per_second_{word}": f"{value:.1f}" for word, value in spread}
        line |= {"share_of_vllm_bench": f"{medians[way] / reference:.3f}", "repeats": given.repeats}
        line |= {"questions": given.count, "concurrency": given.concurrency, "max_tokens": MAX_TOKENS}
        save(RESULTS, KEY, line | {"model": endpoint.model, "load": f"{load:.1f}", **vars(about)})
    print(f"ours: {medians['our client and cache'] / reference:.3f} of vLLM's own benchmark; see {RESULTS.name}")


def _chats(turn: int, count: int) -> list[Chat]:
    """Questions as long in every turn."""
    ask = "Write a numbered list of short messages that customers of a bank send to its support."
    return [[{"role": "user", "content": f"{turn:03d}-{number:05d}. {ask}"}] for number in range(count)]


async def _ours(endpoint: Endpoint, chats: list[Chat], concurrency: int, file: Path) -> float:
    """Tokens a second by our client; fails unless everything was answered."""
    cache = ReplyCache(file)
    async with TeacherClient(endpoint, cache, concurrency=concurrency) as client:
        begun = time.perf_counter()
        replies = await client.ask_all([Request(chat, max_tokens=MAX_TOKENS) for chat in chats])
        seconds = time.perf_counter() - begun
    cache.close()
    answered = [reply for reply in replies if isinstance(reply, Reply)]
    if len(answered) != len(chats):
        raise SystemExit(next(str(reply) for reply in replies if not isinstance(reply, Reply)))
    return sum(reply.completion_tokens for reply in answered) / seconds


def _theirs(python: Path, endpoint: Endpoint, chats: list[Chat], concurrency: int, folder: Path) -> float:
    """Tokens a second by vLLM's benchmark."""
    write_jsonl(folder / "chats.jsonl", chats)
    options = ["--base-url", endpoint.urls[0].removesuffix("/v1"), "--model", endpoint.model]
    quiet = {"VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1", "HF_HUB_OFFLINE": "1", "OPENAI_API_KEY": endpoint.key}
    ended = subprocess.run(
        [python, SCRIPT, folder / "chats.jsonl", str(MAX_TOKENS), *options, "--max-concurrency", str(concurrency)],
        env=os.environ | quiet,
        capture_output=True,
        text=True,
        check=False,
    )
    if ended.returncode:
        raise SystemExit(f"vLLM's benchmark failed:\n{ended.stdout[-2000:]}\n{ended.stderr[-4000:]}")
    result = json.loads(ended.stdout.strip().splitlines()[-1])
    if result["completed"] != len(chats):
        raise SystemExit(f"vLLM's benchmark completed {result['completed']} of {len(chats)} requests")
    return float(result["total_output_tokens"] / result["duration"])


if __name__ == "__main__":
    main()
