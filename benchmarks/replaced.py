"""What people's rows with other values in their words are worth to a student, where it has nothing else.

    python benchmarks/replaced.py [SPEC ...] [--rows 200] [--copies 0 2 4] [--seeds 3] [--epochs 20]

Of the spec's people's rows (gold/<specialist>/reviewed.jsonl) so many are drawn, by a seed; to those that are trained
on the strategy `replaced` adds so many for each, and the student learns them all, each weighing as in a build, with the
epoch chosen on the rows held out. No teacher is asked, and nothing generated is there besides. It is measured by torch
on all validation gold, and against the one without copies by the paired bootstrap over gold rows. Specs of kind
`spans`, or of kind `extraction`, whose students take long. Results: benchmarks/results/replaced.csv, a line a
measurement.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from benchmarks.parts import people
from benchmarks.parts.table import save
from factory import settings
from factory import spec as specs
from factory.evidence.circumstances import here
from factory.evidence.decision import truth
from factory.evidence.intervals import bootstrap, paired
from factory.gold import gold_of
from factory.settings import Settings
from factory.spec import Spec
from factory.stages import Build
from factory.stages.model import student_of

RESULTS = Path(__file__).parent / "results" / "replaced.csv"
KEY = ("spec", "people", "copies", "seed", "epochs")
USUAL = ("support/slots",)


def main(arguments: Sequence[str] | None = None) -> None:
    """Train what was asked for and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("specs", metavar="SPEC", nargs="*", default=USUAL, help="<vertical>/<task>")
    parser.add_argument("--rows", type=int, default=200, help="people's rows")
    parser.add_argument("--copies", type=int, nargs="*", default=[0, 2, 4], help="rows added, for each trained on")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=20, help="at most; a student stops when it gets no better")
    parser.add_argument("--out", type=Path, default=RESULTS)
    asked = parser.parse_args(arguments)
    where = settings.load()
    for name in asked.specs:
        spec = specs.load(name, where.prompts)
        for seed in range(asked.seeds):
            _measure(spec, where, asked, seed)


def _measure(spec: Spec, where: Settings, asked: argparse.Namespace, seed: int) -> None:
    """The lines of a spec and a seed."""
    train, held = people.drawn(spec, where, asked.rows, seed)
    gold = gold_of(spec, where.gold)
    facts, alone = [truth(row) for row in gold], None
    with Build(spec, "quick", where) as build:
        student = student_of(build)
        recipe, metric = replace(student.recipe(build), epochs=asked.epochs, seed=seed), student.metrics[0]
        for copies in sorted({0, *asked.copies}):
            added, start = people.replaced(spec, train, copies), time.monotonic()
            with tempfile.TemporaryDirectory() as folder:
                out = Path(folder)
                student.fit([*train, *added], held, recipe, out, build.meter(f"{copies} copies", "steps"))
                seconds = time.monotonic() - start
                said, _ = student.alone(out, recipe, [row.text for row in gold])
            alone = said if alone is None else alone
            found, ahead = bootstrap(metric, facts, said), paired(metric, facts, said, alone)
            line: dict[str, Any] = {
                "spec": spec.name,
                "people": asked.rows,
                "copies": copies,
                "seed": seed,
                "epochs": asked.epochs,
                "rows_learned": len(train),
                "rows_added": len(added),
                "gold": len(gold),
                "metric": metric,
                **{name: round(value, 4) for name, value in vars(found).items()},
                "points_gained": round(100 * ahead.value, 2),
                "gained_low": round(100 * ahead.low, 2),
                "gained_high": round(100 * ahead.high, 2),
                "seconds": round(seconds, 1),
                "base": spec.base,
                **asdict(here()),
            }
            save(asked.out, KEY, line)


if __name__ == "__main__":
    main()
