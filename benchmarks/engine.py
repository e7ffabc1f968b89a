"""How fast questions reach a teacher and replies are kept, against a loopback teacher: at once, or in 200 ms.

    python benchmarks/engine.py [--peers [FOLDER]] [--repeats 3] [--count 2000] [--concurrency 64]

Side by side in one run, each a process of its own (benchmarks/parts): a bare aiohttp loop that keeps nothing,
which is the ceiling; our client with its cache on disk; our whole way through distilabel; and with --peers
distilabel's own OpenAILLM, which needs the package openai, and NeMo Data Designer in an environment of its own
(0.8 GB). They are found in FOLDER, and installed there from PyPI if they are not; without a FOLDER, in a temporary one.
Rate: questions over the time from the first one's arrival at the teacher to the last one's answer, as the teacher's
clock sees it, so that a process's start does not count; `whole_seconds` is from start to end of the process. Shares
are taken within one repeat; their median is written. Rows: benchmarks/results/engine.csv; those of ways that are left
out stay as they were. On a busy machine look at shares, not rates, and run it again in quiet; `load` says how busy it
was before.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from benchmarks.parts.table import save
from factory.evidence.circumstances import here

PARTS = Path(__file__).parent / "parts"
RESULTS = Path(__file__).parent / "results" / "engine.csv"
DELAYS = (0.0, 0.2)
OPENAI = ["openai==3.54.0", "jiter==0.19.0", "distro==1.9.0", "sniffio==1.3.1"]
DESIGNER = "data-designer==0.9.6"
QUIET = {"HF_HUB_OFFLINE": "1", "DO_NOT_TRACK": "1", "NEMO_TELEMETRY_ENABLED": "false"}

Way = tuple[str, str, dict[str, str]]
"""A script of parts, the interpreter that runs it, and what it adds to the environment."""
Figures = dict[tuple[float, str], list[tuple[float, float]]]
"""Rate and whole seconds of every repeat, by delay and way."""


def main() -> None:
    """Measure, print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--peers", nargs="?", const="", metavar="FOLDER", help="measure OpenAILLM and Data Designer too"
    )
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--concurrency", type=int, default=64)
    given = parser.parse_args()
    root = {"PYTHONPATH": str(PARTS.parent.parent)}
    ways: dict[str, Way] = {
        "bare aiohttp": ("bare.py", sys.executable, root),
        "our client and cache": ("client.py", sys.executable, root),
        "our whole way": ("path.py", sys.executable, root),
    }
    load = os.getloadavg()[0]
    with nullcontext(given.peers) if given.peers else tempfile.TemporaryDirectory() as folder:
        if given.peers is not None:
            ways |= _peers(Path(folder).absolute())
        else:
            print("OpenAILLM and Data Designer are left out: --peers installs and measures them.")
        figures: Figures = {}
        for delay in DELAYS:
            with _teacher(delay) as url:
                for repeat in range(given.repeats):
                    for name, way in ways.items():
                        figure = _measure(way, url, given.count, given.concurrency, f"{name}, run {repeat}")
                        figures.setdefault((delay, name), []).append(figure)
                        print(f"{delay * 1000:4.0f} ms  {name:<24} {figure[0]:7.1f} rows/s  {figure[1]:6.1f} s whole")
    rows = [_row(figures, delay, name, given.concurrency) for delay, name in figures]
    about = here()
    kept = {"questions": given.count, "concurrency": given.concurrency, "load": f"{load:.1f}"}
    kept |= {"hardware": about.hardware, "commit": about.commit, "created": about.created}
    for row in rows:
        save(RESULTS, ("delay_ms", "way"), row | kept)


def _row(figures: Figures, delay: float, name: str, concurrency: int) -> dict[str, Any]:
    rates = [rate for rate, _ in figures[delay, name]]
    whole = [seconds for _, seconds in figures[delay, name]]
    shares = [rate / bare for rate, (bare, _) in zip(rates, figures[delay, "bare aiohttp"], strict=True)]
    ideal = f"{statistics.median(rates) / (concurrency / delay):.3f}" if delay else ""
    return {
        "delay_ms": f"{delay * 1000:.0f}",
        "way": name,
        "repeats": len(rates),
        **{f"rows_per_second_{word}": f"{value:.1f}" for word, value in _spread(rates)},
        **{f"whole_seconds_{word}": f"{value:.2f}" for word, value in _spread(whole)},
        "share_of_bare": f"{statistics.median(shares):.3f}",
        "share_of_ideal": ideal,
    }


def _spread(values: list[float]) -> list[tuple[str, float]]:
    return [("min", min(values)), ("median", statistics.median(values)), ("max", max(values))]


def _measure(way: Way, url: str, count: int, concurrency: int, tag: str) -> tuple[float, float]:
    """Questions a second after the start, and seconds of the whole process."""
    script, python, added = way
    with tempfile.TemporaryDirectory() as folder:
        command = [python, str(PARTS / script), url, str(count), str(concurrency), tag, folder]
        begun = time.perf_counter()
        ended = subprocess.run(command, env=os.environ | QUIET | added, capture_output=True, text=True, check=False)
        whole = time.perf_counter() - begun
    if ended.returncode:
        raise SystemExit(f"{script} failed:\n{ended.stdout[-2000:]}\n{ended.stderr[-4000:]}")
    with urllib.request.urlopen(f"{url.removesuffix('/v1')}/times") as answer:
        seen = json.load(answer)
    if seen["requests"] != count:
        raise SystemExit(f"{script}: the teacher was asked {seen['requests']} times instead of {count}")
    return count / (seen["last"] - seen["first"]), whole


@contextmanager
def _teacher(delay: float) -> Iterator[str]:
    """The loopback teacher's address."""
    with subprocess.Popen(
        [sys.executable, str(PARTS / "server.py"), str(delay)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin and process.stdout  # noqa: S101
        try:
            yield process.stdout.readline().strip()
        finally:
            process.stdin.close()
            process.wait(10)


def _peers(folder: Path) -> dict[str, Way]:
    """What others need, apart from the project; one that can't be installed is left out and named."""
    pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    ways: dict[str, Way] = {}
    libraries, place = folder / "openai", folder / "designer"
    if _there("OpenAILLM", libraries, [[sys.executable, *pip, "--no-deps", "--target", str(libraries), *OPENAI]]):
        path = os.pathsep.join([str(libraries), str(PARTS.parent.parent)])
        ways["distilabel's OpenAILLM"] = ("openai_llm.py", sys.executable, {"PYTHONPATH": path})
    python = str(place / "bin" / "python")
    if _there("Data Designer", place, [[sys.executable, "-m", "venv", str(place)], [python, *pip, DESIGNER]]):
        home = {"DATA_DESIGNER_HOME": str(folder / "designer-home"), "HOME": str(folder)}
        ways["NeMo Data Designer"] = ("designer.py", python, home)
    return ways


def _there(name: str, place: Path, commands: list[list[str]]) -> bool:
    """Whether a folder is there, or the commands that fill it have done so."""
    if place.exists():
        return True
    for command in commands:
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
        if ended.returncode:
            shutil.rmtree(place, ignore_errors=True)
            print(f"{name} is left out, it can't be installed: {ended.stderr.strip().splitlines()[-1:]}")
            return False
    return True


if __name__ == "__main__":
    main()
