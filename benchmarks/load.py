"""`zoo serve` under load by wrk: up to saturation, past it, and while a version takes another's place.

    python benchmarks/load.py                      a six-layer encoder with random weights, made here, int8
    python benchmarks/load.py ./folder/of/version  a classifier of your own

wrk (Debian: apt-get install wrk) asks in a closed loop, one text a request, over connections that are kept; it and the
service share the machine. `clients` are its connections; more than the queue has room for are past saturation, where
the service may answer 503 with Retry-After, which wrk obeys, and nothing else. `answers_per_second` are those of status
200; p50 and p99 are of all replies, refusals too. `shed` are 503, `unsaid` those of them without Retry-After, `other`
any other status, `lost` connections that broke or timed out. In the last line a version is published and loaded
(SIGHUP) every other second. Anything unsaid, other, lost, or shed while no more are asking than the queue takes, ends
this with an error. Results, a line a measurement: benchmarks/results/load.csv.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx

from benchmarks.parts import untrained
from benchmarks.parts.service import running, worked
from benchmarks.parts.table import save
from factory.evidence.circumstances import here
from zoo.manifest import Manifest

RESULTS = Path(__file__).parent / "results" / "load.csv"
KEY = ("hardware", "weights", "queue", "clients", "swaps")
SCRIPT = Path(__file__).parent / "parts" / "load.lua"


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure all of it and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("specialist", nargs="?", type=Path, help="folder of one version of a classifier")
    parser.add_argument("--seconds", type=int, default=15, help="a measurement (default 15)")
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 2, 4, 8, 16, 32, 64, 128, 512])
    parser.add_argument("--swapping", type=int, default=16, help="clients while versions are swapped (default 16)")
    parser.add_argument("--queue", type=int, default=128, help="texts that may wait (default 128)")
    parser.add_argument("--weights", choices=["int8", "fp32"], default="int8")
    parser.add_argument("--out", type=Path, default=RESULTS)
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as scratch:
        hub, bodies = Path(scratch) / "hub", Path(scratch) / "bodies"
        manifest = _first(hub, asked.specialist)
        bodies.write_text("".join(f"{json.dumps({'text': text})}\n" for text in untrained.texts(1000)))
        command = ["-m", "zoo", "serve", manifest.name, "--hub", str(hub), "--weights", asked.weights, "--port"]
        path = f"/v1/specialists/{manifest.name}/predict"
        with running(command, ["--queue", str(asked.queue)], path) as (url, process):
            for clients in asked.clients:
                before = worked(process)
                seen = _wrk(url, bodies, clients, asked.seconds)
                _tell(asked, seen, clients, 0, worked(process) - before)
            before, swap = worked(process), _Swap(hub, manifest, url, process.pid)
            with swap:
                seen = _wrk(url, bodies, asked.swapping, max(10, asked.seconds))
            _tell(asked, seen, asked.swapping, swap.seen(), worked(process) - before)


class _Swap:
    """Publishes a version every other second, and has the service load it; `with` it.

    Args:
        hub: a folder.
        manifest: of the version that is there, whose files every other one has.
        url: where the service is asked.
        pid: of its process.
    """

    def __init__(self, hub: Path, manifest: Manifest, url: str, pid: int) -> None:
        self._hub, self._manifest, self._url, self._pid = hub, manifest, url, pid
        self._over, self._thread = threading.Event(), threading.Thread(target=self._run)
        self._versions: set[str] = set()

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def seen(self) -> int:
        """How often another version answered; raises RuntimeError where none ever did."""
        if len(self._versions) < 2:
            raise RuntimeError(f"no version was swapped: {self._versions}")
        return len(self._versions) - 1

    def _run(self) -> None:
        number = 0
        while not self._over.wait(1.0):
            self._versions.add(self._version())
            number += 1
            _publish(
                self._hub, self._hub / self._manifest.name / self._manifest.version, self._manifest, f"1.{number}.0"
            )
            os.kill(self._pid, signal.SIGHUP)
            self._over.wait(1.0)
        self._versions.add(self._version())

    def _version(self) -> str:
        described = httpx.get(self._url.removesuffix("/predict"), timeout=60)
        return str(described.json()["version"])


def _first(hub: Path, folder: Path | None) -> Manifest:
    """Put the specialist into a hub of its own, as version 1.0.0; returns its manifest."""
    with tempfile.TemporaryDirectory() as scratch:
        made = folder or untrained.make(Path(scratch) / "made")
        manifest = dataclasses.replace(Manifest.read(made), version="1.0.0")
        _publish(hub, made, manifest, "1.0.0")
    return manifest


def _publish(hub: Path, folder: Path, manifest: Manifest, version: str) -> None:
    """A version with another's files, whole at once."""
    part, place = hub / f".part-{version}", hub / manifest.name / version
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.copytree(folder, part)
    dataclasses.replace(manifest, version=version).write(part)
    part.replace(place)


def _idle(url: str) -> None:
    """Wait until the service has answered what clients that have gone left behind."""
    for _ in range(600):
        if "zoo_requests_open 0.0" in httpx.get(httpx.URL(url).join("/metrics"), timeout=60).text:
            return
        time.sleep(0.2)
    raise RuntimeError("the service does not come to rest")


def _wrk(url: str, bodies: Path, clients: int, seconds: int) -> dict[str, float]:
    """What wrk counted; raises RuntimeError where it can't be run."""
    _idle(url)
    threads = str(min(2, clients))
    command = ["wrk", "--threads", threads, "--connections", str(clients), "--duration", f"{seconds}s"]
    command += ["--timeout", "60s", "--script", str(SCRIPT), url, "--", str(bodies)]
    if shutil.which("wrk") is None:
        raise RuntimeError("wrk is missing: apt-get install wrk")
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    for line in ended.stdout.splitlines():
        if line.startswith("RESULT "):
            counted: dict[str, float] = json.loads(line.removeprefix("RESULT "))
            return counted
    raise RuntimeError(f"wrk failed: {ended.stdout}{ended.stderr}")


def _tell(asked: argparse.Namespace, seen: dict[str, Any], clients: int, swaps: int, processor: float) -> None:
    about = here()
    line = {
        "weights": asked.weights,
        "queue": asked.queue,
        "clients": clients,
        "swaps": swaps,
        "answers_per_second": f"{seen['answered'] / seen['seconds']:.1f}",
        "p50_ms": f"{seen['p50']:.1f}",
        "p99_ms": f"{seen['p99']:.1f}",
        "processor_ms_an_answer": f"{1e3 * processor / max(1, seen['answered']):.2f}",
        **{name: seen[name] for name in ("answered", "shed", "unsaid", "other", "lost")},
        "load": f"{os.getloadavg()[0]:.1f}",
        "hardware": about.hardware,
        "commit": about.commit,
        "date": about.created[:10],
    }
    save(asked.out, KEY, line)
    early = seen["shed"] if clients <= asked.queue else 0
    if not seen["answered"]:
        raise RuntimeError("nothing was answered: is the machine that busy? Give more --seconds")
    if wrong := seen["unsaid"] + seen["other"] + seen["lost"] + early:
        raise RuntimeError(f"{wrong} requests of {clients} clients ended as none may")


if __name__ == "__main__":
    main()
