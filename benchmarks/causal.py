"""Training a student that writes, by adapters (over 4-bit weights, too) and all weights: on a GPU where there is one.

    python benchmarks/causal.py [--spec SPEC ...] [--method lora qlora full] [--base FOLDER] [--most N] [--epochs 3]

The spec's student learns from people's rows as a build has it learn, but from reviewed.jsonl alone; a tenth of them
chooses the epoch. Then torch writes its answers to a sample of validation.jsonl, one after the other, and they are
measured by the spec's first metric. Each method is trained in a process of its own, on the first GPU; where there is
none, or by `--processor`, on the processor, on one thread unless OMP_NUM_THREADS says otherwise.
`--shape smollm2-1.7b` is a model of that size with random weights: it takes what such a model takes, and nothing is
told of what it learned. The GPU's memory is what was held at most: in the first epoch's steps, and by the end, when
checkpoints have been copied and adapters merged. `qlora` needs a GPU and bitsandbytes; its held-out loss is that over
4-bit weights, its answers are the merged model's. Results: benchmarks/results/causal.csv, a line a spec, base, method,
number of rows and machine. Those of qlora, and beside them:

    python benchmarks/causal.py --spec medical/question_summary --method qlora lora --most 250 --sample 12
    python benchmarks/causal.py --spec medical/question_summary --method qlora full --most 100 --epochs 1 \
        --shape smollm2-1.7b
"""

from __future__ import annotations

import argparse
import gc
import multiprocessing
import os
import resource
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.parts.table import save
from factory import settings
from factory import spec as specs
from factory.evidence.circumstances import commit, hardware
from factory.evidence.decision import truth
from factory.evidence.intervals import value_of
from factory.files import read_json
from factory.gold import Gold, gold_of
from factory.review import simulated
from factory.row import Row
from factory.stages.answering import Answering
from factory.stages.recording import Recording
from factory.stages.writing import Writing
from factory.students import ladder
from factory.students.causal import WritingRecipe
from factory.students.encoder import default_device
from factory.teacher import weights

RESULTS = Path(__file__).parent / "results" / "causal.csv"
KEY = ("spec", "base", "method", "learned", "epochs", "device", "threads", "hardware")
METHODS = ("lora", "full")
ON_GPU = "qlora"
"""A method that nothing but a GPU has; it is measured where it is named."""
OF_KIND: Mapping[str, Writing] = {"extraction": Recording(), "generation": Answering()}
SHAPES: Mapping[str, Mapping[str, int]] = {
    "smollm2-1.7b": {
        "hidden_size": 2048,
        "intermediate_size": 8192,
        "num_hidden_layers": 24,
        "num_attention_heads": 32,
        "num_key_value_heads": 32,
        "head_dim": 64,
    }
}
MIB = 2**20


def main(arguments: Sequence[str] | None = None) -> None:
    """Train by each method and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--spec", nargs="*", default=["medical/question_summary", "legal/fields"])
    parser.add_argument("--method", nargs="*", choices=(*METHODS, ON_GPU), default=METHODS)
    parser.add_argument("--base", help="packaged weights, a folder or a Hub id; by default the spec's")
    parser.add_argument("--shape", choices=SHAPES, help="the base's family in another size, with random weights")
    parser.add_argument("--processor", action="store_true", help="not on the GPU")
    parser.add_argument("--most", type=int, default=1000, help="rows, at most")
    parser.add_argument("--sample", type=int, default=40, help="rows whose answers are measured, at most")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--out", type=Path, default=RESULTS)
    asked = parser.parse_args(arguments)
    if asked.processor:
        os.environ["CUDA_VISIBLE_DEVICES"] = ""  # for the processes that train
    for name in asked.spec:
        with tempfile.TemporaryDirectory() as folder:
            _measured(asked, name, Path(folder))


def _measured(asked: argparse.Namespace, name: str, folder: Path) -> None:
    """A line for each method of one spec."""
    where = settings.load()
    spec = specs.load(name, where.prompts)
    base = asked.base or spec.base
    source = str(weights.resolve(base, where))
    if asked.shape:
        source = _apart(shaped, source, asked.shape, folder)
    recipe = WritingRecipe(
        source,
        tuple(spec.labels),
        spec.student.max_tokens,
        rank=spec.student.lora_rank,
        learning_rate=spec.student.learning_rate,
        epochs=asked.epochs,
        **OF_KIND[spec.kind].task(spec),
    )
    rows, gold = simulated.read(spec, where.gold, asked.most), gold_of(spec, where.gold)
    some = np.random.default_rng(0).permutation(len(gold))[: 0 if asked.shape else asked.sample]
    device = "cpu" if asked.processor else default_device()
    for one in ladder.recipes(recipe, asked.method):
        line = {"spec": name, "base": asked.shape or Path(base).name, "method": one.method, "epochs": asked.epochs}
        line |= {"device": device, "hardware": hardware(), "load_before": f"{os.getloadavg()[0]:.1f}"}
        line |= _apart(measure, spec.kind, rows, [gold[i] for i in some], one)
        line |= {"held_out_loss": ""} if asked.shape else {}
        save(asked.out, KEY, line | {"commit": commit()})


def measure(kind: str, rows: list[Row], gold: list[Gold], recipe: WritingRecipe) -> dict[str, Any]:
    """Figures of one training, and of its answers where there is gold."""
    import torch

    student, seen = OF_KIND[kind], list[int]()
    tenth = len(rows) // 10
    held, learned = rows[:tenth], rows[tenth:]
    with tempfile.TemporaryDirectory() as folder:  # the first training pays for what is loaded late
        student.fit(learned[:16], held[:2], recipe, Path(folder), lambda done, total: None)
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    with tempfile.TemporaryDirectory() as folder:
        begun = time.perf_counter()
        student.fit(learned, held, recipe, Path(folder), lambda done, total: seen.append(_held()))
        taken, most = time.perf_counter() - begun, _held()
        losses = [one["held_out"] for one in read_json(Path(folder) / "training.json")["epochs"]]
        found: dict[str, Any] = dict.fromkeys(("measured", "metric", "value", "answers_per_second"), "")
        if gold:
            student.alone(Path(folder), recipe, [gold[0].text])
            begun = time.perf_counter()
            said, _ = student.alone(Path(folder), recipe, [one.text for one in gold])
            rate, metric = len(gold) / (time.perf_counter() - begun), student.metrics[0]
            value = value_of(metric, [truth(one) for one in gold], said)
            found = {"measured": len(gold), "metric": metric, "value": round(value, 4)}
            found["answers_per_second"] = round(rate, 2)
    return {
        "threads": torch.get_num_threads(),
        "learned": len(learned),
        "seconds": round(taken, 2),
        "seconds_per_1000_rows_and_epoch": round(1000 * taken / len(learned) / len(losses), 2),
        "held_out_loss": min(losses),
        **found,
        "peak_memory_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "gpu_memory_mib_in_steps": max(seen[: -(-len(learned) // student.lesson.batch)]),
        "gpu_memory_mib": most,
    }


def shaped(base: str, shape: str, folder: Path) -> str:
    """A folder with a model of a shape: the base's architecture and tokenizer, random weights in bfloat16."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

    config = AutoConfig.from_pretrained(base)
    config.update(SHAPES[shape])
    with torch.device(default_device()):
        model = AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16)
    model.save_pretrained(folder)
    AutoTokenizer.from_pretrained(base).save_pretrained(folder)
    return str(folder)


def _apart(function: Callable[..., Any], *arguments: Any) -> Any:
    """What a function returns, called in a fresh process."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(function, arguments)


def _held() -> int:
    """The most GPU memory that torch has held, MiB; 0 where there is no GPU."""
    import torch

    return torch.cuda.max_memory_allocated() // MIB if torch.cuda.is_available() else 0


if __name__ == "__main__":
    main()
