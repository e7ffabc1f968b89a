"""`zoo bench`: what an answer of a specialist costs on this machine."""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from itertools import islice
from typing import Any

from zoo.errors import BadInput
from zoo.inputs import read
from zoo.loader import inspect, load
from zoo.manifest import TOKENIZER, WEIGHTS, WRITING
from zoo.runtime import open_tokenizer

SIZES = (1, 8, 32)
"""Texts a run of the model, tried for the most texts a second."""
_WARM = 5


def add(command: argparse.ArgumentParser) -> None:
    """Add the arguments of `zoo bench`."""
    command.add_argument("--in", dest="file", metavar="FILE", help="texts, as for predict; default: made-up ones")
    command.add_argument("--column", default="text", metavar="NAME", help="of FILE (default text)")
    command.add_argument("--texts", type=int, default=200, metavar="N", help="how many, at most (default 200)")
    command.add_argument("--words", type=int, default=20, metavar="N", help="of a made-up text (default 20)")
    command.add_argument("--weights", choices=sorted(WEIGHTS), help="default: the publisher's choice")
    command.add_argument("--threads", type=int, default=1, help="CPU threads (default 1)")
    command.add_argument("--json", action="store_true", help="print the figures as JSON")


def run(options: argparse.Namespace) -> int:
    """Measure, and print."""
    found = measure(options)
    if options.json:
        print(json.dumps(found, indent=2))
        return 0
    batch1, most = found["batch_1"], found["most"]
    memory = (
        "not known here"
        if found["memory_mb"] is None
        else f"{found['memory_mb']:.0f} MB at most, of the whole process, at batch 1"
    )
    rows = {
        "specialist": f"{found['specialist']}, {found['weights']}, threads: {found['threads']}",
        "texts": f"{found['texts']} {found['source']}",
        "load": f"{found['load_seconds']:.2f} s, files verified",
        "batch 1": "  ".join(f"{name} {batch1[name]:.2f} ms" for name in ("p50", "p95", "p99")),
        "most": f"{most['texts_per_second']:.0f} texts a second, {most['batch_size']} a run",
        "memory": memory,
    }
    for key, value in rows.items():
        print(f"{key:11} {value}")
    return 0


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """The figures: milliseconds of a text alone, texts a second at the best of SIZES, and MB.

    Raises:
        BadInput: no text, or fewer than one is asked for; and what `zoo.load` raises.
    """
    for name in ("texts", "words"):
        if getattr(options, name) < 1:
            raise BadInput(f"--{name} must be a whole number from 1, not {getattr(options, name)}.")
    folder, manifest = inspect(options.name, hub=options.hub)
    how = {"weights": options.weights, "threads": options.threads}
    begun = time.perf_counter()
    specialist: Any = load(folder, **how)
    loaded = time.perf_counter() - begun
    if options.file:
        rows = islice(read(options.file, options.column), options.texts)
        texts = [text for text in rows if isinstance(text, str) and text.strip()]
        source = f"of {options.file}"
    else:
        tokenizer, _ = open_tokenizer(folder / TOKENIZER, None)
        texts = made_up(tokenizer.get_vocab(), options.texts, options.words)
        source = f"made up, of {options.words} words of its tokenizer"
    if not texts:
        raise BadInput("There is no text to measure with.", where=options.file)
    for text in texts[:_WARM]:
        specialist.predict(text)
    alone = sorted(_milliseconds(specialist, text) for text in texts)
    memory = peak_mb()
    rates = {}
    for size in (1,) if manifest.kind in WRITING else SIZES:
        one: Any = specialist if size == 1 else load(folder, **how, batch_size=size)
        rates[size] = len(texts) / (_milliseconds(one, texts) / 1000)
    best = max(rates, key=lambda size: rates[size])
    return {
        "specialist": manifest.id,
        "weights": specialist.weights,
        "threads": options.threads,
        "texts": len(texts),
        "source": source,
        "load_seconds": loaded,
        "batch_1": {f"p{share}": quantile(alone, share / 100) for share in (50, 95, 99)},
        "most": {"batch_size": best, "texts_per_second": rates[best]},
        "memory_mb": memory,
    }


def made_up(words: dict[str, int], count: int, length: int) -> list[str]:
    """Texts of words that a tokenizer knows whole; the same ones every time."""
    known = sorted(word for word in words if word.isalnum()) or ["a"]
    choose = random.Random(0)
    return [" ".join(choose.choices(known, k=length)) for _ in range(count)]


def quantile(ordered: list[float], share: float) -> float:
    """The least of the ordered values that is not below this share of them (nearest rank)."""
    return ordered[max(0, -(-round(share * 100) * len(ordered) // 100) - 1)]


def peak_mb() -> float | None:
    """The most memory the process has had resident, in MB of a million bytes; None where the system does not say."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def _milliseconds(specialist: Any, asked: Any) -> float:
    begun = time.perf_counter()
    specialist.predict(asked)
    return 1000 * (time.perf_counter() - begun)
