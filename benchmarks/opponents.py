"""Our student beside other ways to make a classifier of the same rows, in one run: accuracy and time.

    python benchmarks/opponents.py [--spec SPEC ...] [--rows 200] [--seeds 1] [--pairs 20] [--contestant NAME ...]
    python benchmarks/opponents.py --spec SPEC --built [--budget full]

The rows are a stratified sample of reviewed.jsonl, or with `--built` the dataset of the spec's build (built if need
be); all are measured on all of validation.jsonl. Contestants are our student by the spec's recipe, its frozen rung,
TF-IDF, static vectors and the most frequent label (benchmarks/parts/house.py); SetFit, sentence-transformers and
Model2Vec from the same encoder weights (benchmarks/parts/peers.py, in an environment of their own: `make peers`).
Everybody gets the same rows, texts cut at the same length, the same number of threads and a process of its own, one
after the other. Our student holds some rows out to choose its epoch by; the others learn from all.

Figures: accuracy and macro-F1, means over seeds of training; `student_ahead`, in points of accuracy, with the bootstrap
interval over gold rows of the paired difference (each row's mean over seeds); seconds of the whole training, weights
loaded, imports not; processor seconds, which other work on the machine disturbs less; `setfit_takes`, SetFit's
processor seconds over one's own; seconds for 1,000 texts, by torch; what is made once an encoder, apart. Results:
benchmarks/results/opponents.csv, a line a spec, rows and contestant; lines of others stay.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from benchmarks.parts import contest
from benchmarks.parts.house import HOUSE
from benchmarks.parts.peers import PEERS
from benchmarks.parts.table import save
from factory import settings
from factory import spec as specs
from factory.dataset.version import open_version
from factory.errors import FactoryError
from factory.evidence import intervals
from factory.evidence.circumstances import here
from factory.evidence.sample import describe, sample
from factory.gold import Gold, gold_of
from factory.row import Lineage, Row
from factory.settings import Settings
from factory.spec import Spec
from factory.stages import Build

RESULTS = Path(__file__).parent / "results" / "opponents.csv"
SPECS = ["finance/sentiment", "support/intent", "legal/clause"]
KEY = ("spec", "rows_from", "encoder", "contestant")
STUDENT, SETFIT = "student", "setfit"
INSTANT = 0.05
"""Processor seconds below which a ratio says nothing."""
Runs = Sequence[dict[str, Any]]
"""What contest.ask told of a contestant, a seed each."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Let everybody learn and answer, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--spec", action="append", help=f"<vertical>/<task>, several times; default {', '.join(SPECS)}")
    parser.add_argument("--rows", type=int, default=200, help="reviewed rows; 0: all")
    parser.add_argument("--built", action="store_true", help="the rows of the spec's build, in place of reviewed ones")
    parser.add_argument("--budget", default="full", help="of the build, and of our student's epochs")
    parser.add_argument("--seeds", type=int, default=1, help="of training")
    parser.add_argument("--pairs", type=int, default=20, help="SetFit's num_iterations: so many alike and unlike a row")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--contestant", action="append", choices=[*HOUSE, *PEERS], help="besides the student")
    parser.add_argument("--out", type=Path, default=RESULTS)
    asked = parser.parse_args(arguments)
    where = settings.load()
    names = list(dict.fromkeys([STUDENT, *(asked.contestant or [*HOUSE, *PEERS])]))
    for name in asked.spec or SPECS:
        spec = specs.load(name, where.prompts)
        if spec.kind != "classification":
            raise FactoryError(f"{name} is no classification, and these opponents label texts.", fix="Name another.")
        with Build(spec, asked.budget, where) as build:
            rows, told = _built(build) if asked.built else _reviewed(spec, where, asked.rows)
            _contest(build, rows, told, names, asked)


def _contest(build: Build, rows: Sequence[Row], told: str, names: Sequence[str], asked: argparse.Namespace) -> None:
    """One spec's: everybody by every seed. A line is written when it is measured, and again beside SetFit's time."""
    found: dict[str, list[dict[str, Any]]] = {}

    def write(name: str) -> None:
        line = {
            "spec": build.spec.name,
            "rows_from": told,
            "rows": len(rows),
            "encoder": build.base_identity.partition("@")[0],
            "contestant": name,
            **_line(build.gold, found[name], found[STUDENT], found.get(SETFIT, [])),
            "threads": asked.threads,
            **vars(here()),
        }
        save(asked.out, KEY, line)

    for seed in range(13, 13 + asked.seeds):
        task: contest.Task = {
            "spec": build.spec.name,
            "budget": asked.budget,
            "encoder": build.base_source,
            "labels": build.labels,
            "max_tokens": build.spec.student.max_tokens,
            "rows": [row.to_json() for row in rows],
            "texts": [row.text for row in build.gold],
            "seed": seed,
            "pairs": asked.pairs,
            "kept": str(build.settings.home / "benchmarks" / "opponents"),
        }
        for name in names:
            module, python = ("house", Path(sys.executable)) if name in HOUSE else ("peers", _peers(build.settings))
            load = os.getloadavg()[0]
            one = contest.ask(python, f"benchmarks.parts.{module}", name, task, asked.threads)
            found.setdefault(name, []).append({**one, "load": load})
            write(name)
        for name in names if SETFIT in names else ():
            write(name)


def _line(gold: Sequence[Gold], mine: Runs, student: Runs, setfit: Runs) -> dict[str, Any]:
    """One contestant's figures over seeds."""
    right = [_accuracy(gold, run["answers"]) for run in mine]
    labels = [row.label for row in gold]
    ahead = intervals.mean([100 * (a - b) for a, b in zip(_rights(gold, student), _rights(gold, mine), strict=True)])
    spent = mean(run["processor_seconds"] for run in mine)
    theirs = mean(run["processor_seconds"] for run in setfit) if setfit else 0.0
    return {
        "what": mine[0]["what"],
        "seeds": len(mine),
        "gold": len(gold),
        "accuracy": f"{mean(right):.4f}",
        "accuracy_sd": f"{stdev(right):.4f}" if len(right) > 1 else "",
        "macro_f1": f"{mean(intervals.value_of('macro_f1', labels, run['answers']) for run in mine):.4f}",
        "student_ahead": f"{ahead.value:.2f}",
        "low": f"{ahead.low:.2f}",
        "high": f"{ahead.high:.2f}",
        "seconds": f"{mean(run['seconds'] for run in mine):.2f}",
        "processor_seconds": f"{spent:.2f}",
        "setfit_takes": f"{theirs / spent:.1f}" if theirs and spent >= INSTANT else "",
        "made_once_seconds": f"{mine[0]['prepared']:.1f}" if mine[0]["prepared"] else "",
        "seconds_per_1000_texts": f"{1000 * mean(run['answering'] for run in mine) / len(gold):.3f}",
        "peak_mib": max(run["peak_mib"] for run in mine),
        "load": f"{mean(run['load'] for run in mine):.1f}",
    }


def _rights(gold: Sequence[Gold], runs: Runs) -> list[float]:
    """The share of seeds that each gold row was answered rightly by."""
    said = zip(*(run["answers"] for run in runs), strict=True)
    return [mean(row.label == label for label in labels) for row, labels in zip(gold, said, strict=True)]


def _accuracy(gold: Sequence[Gold], answers: Sequence[str]) -> float:
    return intervals.value_of("accuracy", [row.label for row in gold], answers)


def _reviewed(spec: Spec, where: Settings, number: int) -> tuple[list[Row], str]:
    """Rows that people labelled, and which they are."""
    pool, lineage = gold_of(spec, where.gold, "reviewed.jsonl"), Lineage(spec=spec.identity)
    rows = {
        one.text: Row(text=one.text, label=one.label, origin="reviewed", lineage=lineage)
        for one in sample(pool, number)
    }
    return list(rows.values()), f"reviewed, {describe(pool, number)}"


def _built(build: Build) -> tuple[list[Row], str]:
    """A build's rows, held-out ones among them, and which dataset they are."""
    version = open_version(build.run("dataset").path)
    return [*version.rows("train"), *version.rows("held_out")], version.version


def _peers(where: Settings) -> Path:
    python = where.environments / "peers" / "bin" / "python"
    if not python.exists():
        raise FactoryError(
            "SetFit, sentence-transformers and Model2Vec are not installed.", where=str(python),
            fix="Run `make peers`, or name those who are to take part by --contestant.",
        )  # fmt: skip
    return python


if __name__ == "__main__":
    main()
