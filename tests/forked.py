"""A build in a process that is forked from one which has imported everything, and which only then learns what to build.

For tests that start many: of a small build most of the time is spent on importing torch and others. The process is the
build's own in all else, and what it starts is started as ever.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from factory.__main__ import main
from tests.conftest import NAME, Factory

PRELOADED = [
    "factory.stages", "torch", "transformers", "peft", "sklearn.linear_model", "scipy.stats", "pyarrow.parquet", "onnx",
    "onnxruntime.quantization", "zoo.classifier", "lingua", "rensa", "jinja2", "huggingface_hub", "tests.forked",
]  # fmt: skip


def start(shop: Factory, log: Path) -> multiprocessing.process.BaseProcess:
    """`python -m factory build` of the usual specialist; what it says goes to a file, line by line."""
    server = multiprocessing.get_context("forkserver")
    server.set_forkserver_preload(PRELOADED)
    log.write_text("")
    process = server.Process(target=_build, args=(shop.variables, str(log)))
    process.start()
    return process


def _build(variables: Mapping[str, str], log: str) -> None:
    os.environ.update(variables)
    sys.stdout = sys.stderr = Path(log).open("w", buffering=1, encoding="utf-8")  # noqa: SIM115 - as long as it lives
    for stream in (1, 2):
        os.dup2(sys.stdout.fileno(), stream)
    sys.exit(main(["build", NAME]))
