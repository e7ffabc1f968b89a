"""`zoo serve` beside a bare loop of `predict` and a FastAPI endpoint without batching, in one run.

    python benchmarks/serve.py                      a six-layer encoder with random weights, made here
    python benchmarks/serve.py ./folder/of/version  a classifier of your own

Clients ask in a closed loop, one text a request, over connections that are kept; they and the service share the
machine. 1 to 32 clients, then many more than the service can bear, with a short queue: there it may answer 503, which a
client obeys, and nothing else. Throughput counts answers; p50 and p99 are of answers; processor time is the
service's alone, all threads, and depends least on what else the machine does. Results, a line a measurement:
benchmarks/results/serve.csv; ratios within one run are what counts. Measure on a quiet machine: where other processes
want its processors, too, whichever service has more threads gets more of them (the plain endpoint has forty).
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from typing import Any

import aiohttp

import zoo
from benchmarks.parts import untrained
from benchmarks.parts.service import running, worked
from benchmarks.parts.table import save
from factory.evidence.circumstances import hardware

RESULTS = Path(__file__).parent / "results" / "serve.csv"
KEY = ("hardware", "weights", "service", "clients")
CROWD = 256


@dataclass
class Seen:
    """What clients saw: seconds of each answer, how many answers had which status; and what it took.

    Attributes:
        took: seconds of all measurements.
        worked: seconds of processors, of the service alone.
    """

    seconds: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    took: float = 0.0
    worked: float = 0.0


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure all of it and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("specialist", nargs="?", type=Path, help="folder of one version of a classifier")
    parser.add_argument("--seconds", type=float, default=5.0, help="a measurement (default 5)")
    parser.add_argument("--rounds", type=int, default=3, help="measurements of each (default 3)")
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 8, 32])
    parser.add_argument("--weights", nargs="+", choices=["int8", "fp32"], default=["int8", "fp32"])
    parser.add_argument("--out", type=Path, default=RESULTS)
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as scratch:
        folder = asked.specialist.resolve() if asked.specialist else untrained.make(Path(scratch) / "specialist")
        for weights in asked.weights:
            for (service, clients), seen in _measured(folder, weights, asked).items():
                save(asked.out, KEY, _line(weights, service, clients, seen))


def _measured(folder: Path, weights: str, asked: argparse.Namespace) -> dict[tuple[str, int], Seen]:
    """What was seen by service and clients; a round measures each once, so that all meet the machine's moods alike."""
    name = zoo.load(folder, weights=weights).name
    naive = ["benchmarks/parts/naive_serve.py", str(folder), weights]
    serve = ["-m", "zoo", "serve", str(folder), "--weights", weights, "--port"]
    path = f"/v1/specialists/{name}/predict"
    seen: dict[tuple[str, int], Seen] = defaultdict(Seen)
    with ExitStack() as stack:
        services = [
            (service, stack.enter_context(running(command, more, where)), counts)
            for service, command, more, where, counts in (
                ("FastAPI, no batches", naive, [], "/predict", [*asked.clients, CROWD]),
                ("zoo serve", serve, [], path, asked.clients),
                ("zoo serve, queue 16", serve, ["--queue", "16", "--texts", "16"], path, [CROWD]),
            )
        ]
        for _ in range(asked.rounds):
            _loop(folder, weights, asked.seconds, seen["predict in a loop", 0])
            for service, (url, process), counts in services:
                for count in counts:
                    before = worked(process)
                    asyncio.run(_ask(url, count, asked.seconds, seen[service, count]))
                    seen[service, count].worked += worked(process) - before
    return seen


def _loop(folder: Path, weights: str, seconds: float, seen: Seen) -> None:
    """One thread that asks about one text after the other."""
    specialist: Any = zoo.load(folder, weights=weights)
    texts = cycle(untrained.texts(1000))
    worked = time.process_time()
    begun = last = time.perf_counter()
    while last - begun < seconds:
        specialist.predict(next(texts))
        now = time.perf_counter()
        seen.seconds.append(now - last)
        last = now
    seen.took += last - begun
    seen.worked += time.process_time() - worked


async def _ask(url: str, clients: int, seconds: float, seen: Seen) -> None:
    texts = cycle(untrained.texts(1000))
    begun = time.perf_counter()

    async def client(session: aiohttp.ClientSession) -> None:
        while (sent := time.perf_counter()) - begun < seconds:
            async with session.post(url, json={"text": next(texts)}) as answer:
                await answer.read()
            seen.statuses[answer.status] += 1
            if answer.status == 200:
                seen.seconds.append(time.perf_counter() - sent)
            else:
                await asyncio.sleep(float(answer.headers.get("Retry-After", 1)))

    connector = aiohttp.TCPConnector(limit=clients)
    async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(60)) as session:
        await asyncio.gather(*(client(session) for _ in range(clients)))
    seen.took += time.perf_counter() - begun


def _line(weights: str, service: str, clients: int, seen: Seen) -> dict[str, Any]:
    cuts = statistics.quantiles(seen.seconds, n=100)
    others = sum(count for status, count in seen.statuses.items() if status not in (200, 503))
    return {
        "weights": weights,
        "service": service,
        "clients": clients,
        "texts_per_second": f"{len(seen.seconds) / seen.took:.1f}",
        "processor_ms_a_text": f"{1e3 * seen.worked / len(seen.seconds):.2f}",
        "p50_ms": f"{1e3 * cuts[49]:.1f}",
        "p99_ms": f"{1e3 * cuts[98]:.1f}",
        "answered": len(seen.seconds),
        "shed": seen.statuses[503],
        "other_errors": others,
        "load": f"{os.getloadavg()[0]:.1f}",
        "hardware": hardware(),
    }


if __name__ == "__main__":
    main()
