"""Training a classifier and reading with its encoder: on the processor, and on a GPU where there is one.

    python benchmarks/training.py [--rows reviewed.jsonl] [--encoder FOLDER] [--recipe rank=0,learning_rate=1e-4 ...]
                                  [--trainers 1 2]

The rows have `text` and `label`; a tenth of them chooses the epoch, a fifth measures, the rest is learned, the same
rows everywhere. Every recipe is trained in a process of its own, on each device. Ratios are within one run; on the
processor torch has one thread unless OMP_NUM_THREADS says otherwise. `--trainers`: how many processes train together
(FACTORY_TRAINERS); `times_as_fast` is beside one alone in the same run, and several pay for their start each time.
Results: benchmarks/results/training.csv, a line a device, machine, recipe and number of processes.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import resource
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.parts.recipe import OWN, VARIED, changed
from benchmarks.parts.table import save
from factory import settings
from factory.evidence.circumstances import hardware
from factory.files import read_jsonl
from factory.progress import silent
from factory.row import Lineage, Row
from factory.stages.classifying import Classifying
from factory.stages.fitting import fit
from factory.students.classifier import ContrastRecipe, train
from factory.students.encoder import Encoder, default_device

RESULTS = Path(__file__).parent / "results" / "training.csv"
KEY = ("rows", "encoder", "recipe", "epochs", "device", "trainers", "hardware")
MIB = 2**20


def main(arguments: Sequence[str] | None = None) -> None:
    """Train each recipe on each device and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=Path, help="JSONL; by default finance/sentiment's reviewed rows")
    parser.add_argument("--encoder", help="a folder or Hub id; by default the packaged all-MiniLM-L6-v2")
    parser.add_argument("--recipe", action="append", default=[], help=f"changes, of: {', '.join(VARIED)}")
    parser.add_argument("--most", type=int, default=1000, help="of the rows, at most")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--max-tokens", type=int, default=128)
    parser.add_argument("--trainers", type=int, nargs="+", default=[1], help="processes that train together")
    parser.add_argument("--out", type=Path, default=RESULTS)
    asked = parser.parse_args(arguments)
    where = settings.load()
    file = asked.rows or where.gold / "finance" / "sentiment" / "reviewed.jsonl"
    rows = [
        Row(text=one["text"], label=one["label"], origin="reviewed", lineage=Lineage(spec=str(file)))
        for one in read_jsonl(file)[: asked.most]
    ]
    base = ContrastRecipe(
        encoder=asked.encoder or _packaged(where),
        labels=tuple(sorted({row.label for row in rows})),
        max_tokens=asked.max_tokens,
        epochs=asked.epochs,
    )
    for text in ["", *asked.recipe]:
        for device in dict.fromkeys(["cpu", default_device()]):
            line = {"rows": f"{file.parent.parent.name}/{file.parent.name}", "encoder": Path(base.encoder).name}
            line |= {"recipe": text or OWN, "epochs": asked.epochs, "device": device}
            alone = None
            for trainers in asked.trainers:
                found = _apart(rows, changed(base, text), device, trainers)
                alone = found["seconds"] if trainers == 1 else alone
                beside = {"times_as_fast": round(alone / found["seconds"], 2) if alone else None}
                save(asked.out, KEY, line | {"trainers": trainers, "hardware": hardware()} | found | beside)


def _packaged(where: settings.Settings) -> str:
    from factory.teacher import weights

    return str(weights.resolve("all-minilm-l6-v2", where))


def _apart(rows: list[Row], recipe: ContrastRecipe, device: str, trainers: int) -> dict[str, Any]:
    """Measured in a fresh process that sees the GPU or does not."""
    if device == "cpu":
        os.environ["CUDA_VISIBLE_DEVICES"] = ""
    try:
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
            return pool.submit(measure, rows, recipe, trainers).result()
    finally:
        os.environ.pop("CUDA_VISIBLE_DEVICES", None)


def measure(rows: list[Row], recipe: ContrastRecipe, trainers: int) -> dict[str, Any]:
    """Figures of one training."""
    import torch

    order = np.random.default_rng(0).permutation(len(rows))
    shuffled = [rows[i] for i in order]
    tenth = len(rows) // 10
    held, measured, learned = shuffled[:tenth], shuffled[tenth : 3 * tenth], shuffled[3 * tenth :]
    encoder = Encoder.load(recipe.encoder, recipe.labels, recipe.max_tokens)
    texts = [row.text for row in rows]
    encoder.vectors(texts[:64])  # the first call pays for what is loaded late; so does the first training
    with tempfile.TemporaryDirectory() as folder:
        train(learned[:32], held[:16], replace(recipe, epochs=1), Path(folder))
    begun = time.perf_counter()
    encoder.vectors(texts)
    read = time.perf_counter() - begun
    del encoder
    with tempfile.TemporaryDirectory() as folder:
        begun = time.perf_counter()
        fit(Classifying(), learned, held, recipe, Path(folder), silent, trainers)
        taken = time.perf_counter() - begun
        trained = Encoder.load(folder, recipe.labels, recipe.max_tokens)
        best = trained.predict_logits([row.text for row in measured]).argmax(axis=1)
    right = sum(recipe.labels[int(one)] == row.label for one, row in zip(best, measured, strict=True))
    return {
        "learned": len(learned),
        "seconds": round(taken, 2),
        "seconds_per_1000_rows_and_epoch": round(1000 * taken / len(learned) / recipe.epochs, 2),
        "texts_read_per_second": round(len(texts) / read, 1),
        "measured": len(measured),
        "accuracy": round(right / len(measured), 4),
        "peak_memory_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024 if trainers == 1 else None,
        "peak_gpu_memory_mib": torch.cuda.max_memory_allocated() // MIB if torch.cuda.is_available() else 0,
    }


if __name__ == "__main__":
    main()
