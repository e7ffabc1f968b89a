"""Who takes part in benchmarks/opponents.py, and how: one contestant, one task, in a process of its own.

The process may belong to another environment, so this file needs nothing but Python, and what goes over is JSON.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypedDict

CHECKOUT = Path(__file__).resolve().parents[2]
WARM_UP = 16
"""Texts that are answered before the clock starts."""


class Task(TypedDict):
    """What is to be learned, and answered.

    Attributes:
        spec, budget: whose task it is, for our own students.
        encoder: a folder with the pre-trained weights, as transformers and sentence-transformers read it.
        labels: in order.
        max_tokens: longer texts are cut here.
        rows: as factory.row.Row.to_json has them; others read `text` and `label` alone.
        texts: to be answered.
        seed: of whatever is drawn in training.
        pairs: what SetFit is told of its pairs (`num_iterations`); 0: its own default.
        kept: a folder where what is made once an encoder stays.
    """

    spec: str
    budget: str
    encoder: str
    labels: list[str]
    max_tokens: int
    rows: list[dict[str, Any]]
    texts: list[str]
    seed: int
    pairs: int
    kept: str


class Contestant(ABC):
    """One way to learn a task. What its constructor does (imports, what is made once an encoder) is not timed.

    Attributes:
        what: what it is, for people.
        prepared: seconds it took to make what is made once an encoder.
    """

    what: str
    prepared: float = 0.0

    @abstractmethod
    def __init__(self, task: Task) -> None: ...

    @abstractmethod
    def fit(self) -> None:
        """Learn from the task's rows, weights being loaded from disk included."""

    @abstractmethod
    def predict(self, texts: Sequence[str]) -> list[str]:
        """A label for each text."""


def alike(threads: int) -> dict[str, str]:
    """The environment of every contestant's process: so many threads for torch and BLAS, no GPU, no network."""
    environment = {name: str(threads) for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}
    environment |= {"PYTHONPATH": str(CHECKOUT), "TOKENIZERS_PARALLELISM": "false", "CUDA_VISIBLE_DEVICES": ""}
    environment |= {"HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1", "DO_NOT_TRACK": "1"}
    return os.environ | environment


def ask(python: Path, module: str, name: str, task: Task, threads: int) -> dict[str, Any]:
    """What a contestant answered and took, see `serve`.

    Args:
        python: the interpreter of its environment.
        module: which calls `serve`.
        name: the contestant's.
        task: what it is to learn.
        threads: that torch and BLAS may use.

    Raises:
        RuntimeError: it ended with an error, whose end is told.
    """
    with tempfile.TemporaryDirectory() as folder:
        asked, told = Path(folder) / "task.json", Path(folder) / "told.json"
        asked.write_text(json.dumps(task))
        command = [str(python), "-m", module, name, str(asked), str(told)]
        ended = subprocess.run(command, cwd=CHECKOUT, env=alike(threads), capture_output=True, text=True, check=False)
        if ended.returncode:
            raise RuntimeError(f"{name}: {ended.stderr[-3000:]}")
        found: dict[str, Any] = json.loads(told.read_text())
        return found


def serve(contestants: Mapping[str, type[Contestant]]) -> None:
    """Let the contestant that the command line names learn and answer; writes figures and answers as JSON.

    Keys: `what`, `prepared`, `seconds` and `processor_seconds` of training, `answering` (seconds for all texts),
    `answers`, `peak_mib`.
    """
    name, asked, told = sys.argv[1:]
    task: Task = json.loads(Path(asked).read_text())
    contestant = contestants[name](task)
    wall, processor = time.perf_counter(), time.process_time()
    contestant.fit()
    found: dict[str, Any] = {
        "seconds": time.perf_counter() - wall,
        "processor_seconds": time.process_time() - processor,
        "what": contestant.what,
        "prepared": contestant.prepared,
    }
    contestant.predict(task["texts"][:WARM_UP])
    wall = time.perf_counter()
    answers = contestant.predict(task["texts"])
    found |= {"answering": time.perf_counter() - wall, "answers": answers}
    found["peak_mib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    Path(told).write_text(json.dumps(found))
