"""An answer of the zoo beside other ways to get one of the same model, in one run.

    python benchmarks/answering.py                      a six-layer encoder with random weights, made here
    python benchmarks/answering.py ./folder/of/version  a classifier of your own [--texts FILE.jsonl]

Contestants (benchmarks/parts/answerers.py): `zoo.load(...).predict`; the same ONNX files in the loop that one would
write by hand, of onnxruntime and tokenizers; a transformers pipeline; SetFit and sentence-transformers with a head of
scikit-learn (`make peers`; without it they are left out). The last three run the folder's safetensors by torch, with
heads that nobody trained: only time is measured. Each has the same number of threads and a process of its own, one
after the other, several rounds; figures are medians over rounds. The zoo and the loop by hand differ by less than this
machine's speed does from one process to the next: they share one, and take turns.

`p50_ms`, `p95_ms`: one text at a time. `texts_per_second`: a list of all texts, at the best batch size of 1, 8 and 32.
`..._over_int8` and `..._over_fp32`: the same over the zoo's with these weights; int8 is what is usually published,
torch runs fp32. Where the loop by hand answers otherwise than the zoo, this ends with an error. Results, a line a
contestant: benchmarks/results/answering.csv; ratios within one run are what counts.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.parts import untrained
from benchmarks.parts.answerers import ANSWERERS, BY_TORCH, IN_PEERS
from benchmarks.parts.contest import alike
from benchmarks.parts.table import save
from factory.evidence.circumstances import here
from factory.files import read_jsonl
from factory.settings import CHECKOUT
from zoo.manifest import WEIGHTS, Manifest

RESULTS = Path(__file__).parent / "results" / "answering.csv"
KEY = ("hardware", "specialist", "contestant", "threads")
PEERS = CHECKOUT / ".envs" / "peers"


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure all of it and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("specialist", nargs="?", type=Path, help="folder of one version of a classifier")
    parser.add_argument("--texts", type=Path, help="JSON lines with `text`; default: made-up ones")
    parser.add_argument("--most", type=int, default=200, help="how many texts (default 200)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, default=RESULTS)
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as scratch:
        folder = asked.specialist or untrained.make(Path(scratch) / "untrained")
        texts = [line["text"] for line in read_jsonl(asked.texts)] if asked.texts else untrained.texts(asked.most)
        task = Path(scratch) / "task.json"
        manifest = Manifest.read(folder)
        given = {"folder": str(folder.resolve()), "texts": texts[: asked.most], "max_tokens": manifest.max_tokens}
        task.write_text(json.dumps(given | {"labels": manifest.labels, "threads": asked.threads}))
        found = _rounds(task, asked.threads, asked.rounds)
    for name, figures in found.items():
        line = {
            "specialist": manifest.id,
            "contestant": name,
            "threads": asked.threads,
            "texts": len(given["texts"]),
            "rounds": asked.rounds,
            **{key: round(value, 3) for key, value in figures.items()},
            **{
                f"{key}_over_{weights}": round(figures[key] / found[f"zoo, {weights}"][key], 2)
                for key in ("p50_ms", "texts_per_second")
                for weights in WEIGHTS
            },
            "load": round(os.getloadavg()[0], 1),
            **asdict(here()),
        }
        save(asked.out, KEY, line)


def _rounds(task: Path, threads: int, rounds: int) -> dict[str, dict[str, float]]:
    """Contestant to its figures, each the median over rounds."""
    ready = (PEERS / ".stamp").exists()
    if not ready:
        print(f"There is no {PEERS.relative_to(CHECKOUT)}: {' and '.join(IN_PEERS)} are left out (`make peers`).")
    seen: dict[str, list[Mapping[str, float]]] = defaultdict(list)
    labels: dict[str, list[str]] = {}
    together = [[f"{who}, {weights}" for who in ("zoo", "by hand")] for weights in WEIGHTS]
    alone = [[name] for name in ANSWERERS if name in BY_TORCH and (ready or name not in IN_PEERS)]
    for _ in range(rounds):
        for names in together + alone:
            for name, told in _measured(names, task, threads).items():
                seen[name].append(told["figures"])
                labels[name] = told["labels"]
    for weights in WEIGHTS:
        if labels[f"by hand, {weights}"] != labels[f"zoo, {weights}"]:
            raise RuntimeError(f"With {weights} the loop by hand and the zoo answer otherwise: one of them is wrong.")
    return {
        name: {key: statistics.median(one[key] for one in every) for key in every[0]} for name, every in seen.items()
    }


def _measured(names: Sequence[str], task: Path, threads: int) -> dict[str, dict[str, Any]]:
    """What answerers.measure says of contestants, in a process of theirs; raises RuntimeError with the end of what it
    said if it fails."""
    python = str(PEERS / "bin" / "python") if names[0] in IN_PEERS else sys.executable
    ended = subprocess.run(
        [python, "-m", "benchmarks.parts.answerers", str(task), *names],
        cwd=CHECKOUT,
        env=alike(threads),
        capture_output=True,
        text=True,
        check=False,
    )
    if ended.returncode:
        raise RuntimeError(f"{' and '.join(names)}: {ended.stderr[-3000:]}")
    found: dict[str, dict[str, Any]] = json.loads(ended.stdout.splitlines()[-1])
    return found


if __name__ == "__main__":
    main()
