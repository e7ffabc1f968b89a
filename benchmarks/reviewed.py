"""What a student is worth when people have labelled more rows, or none.

    python benchmarks/reviewed.py [SPEC ...] [--reviewed 0 500 all] [--base all-mpnet-base-v2] [--budget quick]

For every number of reviewed rows (those of gold/<specialist>/reviewed.jsonl, as many as there are) the stages of a
build up to `train` run with that budget of reviewed rows and nothing else changed; the student is measured by torch on
all validation gold, beside TF-IDF (or features of words) on the rows that it learned. `--base` starts from another
encoder. Without a SPEC, the specialists and numbers of rows in USUAL. Nothing is published, no person is asked. Stages
and replies are kept in FACTORY_HOME: stopped anywhere, the same command goes on. Results:
benchmarks/results/reviewed.csv, a line a measurement.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path

from benchmarks.parts.table import save
from factory import settings
from factory import spec as specs
from factory.dataset.version import open_version
from factory.evidence.circumstances import here
from factory.evidence.decision import truth
from factory.evidence.intervals import bootstrap, paired
from factory.gold import gold_of
from factory.settings import Settings
from factory.spec import Spec
from factory.stages import Build
from factory.stages.model import kept, student_of

RESULTS = Path(__file__).parent / "results" / "reviewed.csv"
KEY = ("spec", "budget", "reviewed", "base")
ALL = "all"
USUAL: Mapping[str, Sequence[str]] = {
    "finance/complaint": [ALL],
    "medical/section": [ALL],
    "medical/entities": ["500"],
    "support/intent": ["0", ALL],
}
"""Specialists, and the numbers of reviewed rows, for which we have set ourselves a figure to reach."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Train what was asked for and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("specs", metavar="SPEC", nargs="*", help="<vertical>/<task>")
    parser.add_argument("--reviewed", nargs="*", type=_number, default=[], help="numbers of rows, or `all`")
    parser.add_argument("--base", help="what the student starts from, where not the spec's")
    parser.add_argument("--budget", default="quick")
    parser.add_argument("--out", type=Path, default=RESULTS)
    asked = parser.parse_args(arguments)
    where = replace(settings.load(), review="jsonl", simulate_review=True)
    for name in asked.specs or USUAL:
        spec = specs.load(name, where.prompts)
        pool = len(gold_of(spec, where.gold, "reviewed.jsonl"))
        for said in asked.reviewed or USUAL.get(name, [ALL]):
            number = pool if said == ALL else min(int(said), pool)
            _measure(_changed(spec, asked.budget, number, asked.base), asked.budget, where, asked.out)


def _number(said: str) -> str:
    """A number of rows, or ALL; raises argparse.ArgumentTypeError."""
    if said != ALL and not (said.isascii() and said.isdigit()):
        raise argparse.ArgumentTypeError(f"{said!r} is no number of rows, and not `{ALL}`")
    return said


def _changed(spec: Spec, budget: str, reviewed: int, base: str | None) -> Spec:
    """The spec with so many reviewed rows in its budget, and perhaps another base."""
    spent = spec.budget(budget).model_copy(update={"review": reviewed})
    student = spec.student.model_copy(update={"base": base} if base else {})
    return spec.model_copy(update={"student": student, "budgets": {**spec.budgets, budget: spent}})


def _measure(spec: Spec, budget: str, where: Settings, out: Path) -> None:
    """Build as far as the student, and save its line."""
    with Build(spec, budget, where) as build:
        build.root = where.home / "benchmarks" / "reviewed" / spec.name
        version = open_version(build.run("dataset").path)
        rows, held = version.rows("train"), version.rows("held_out")
        student, folder = student_of(build), build.run("train").path
        texts, gold = [row.text for row in build.gold], [truth(row) for row in build.gold]
        said, _ = student.alone(folder, kept(build), texts)
        opponents = student.opponents(build, rows, texts)
        beside = next(name for name in ("tfidf", "features", "nearest") if name in opponents)
        metric, other = student.metrics[0], opponents[beside].decisions
        found, ahead = bootstrap(metric, gold, said), paired(metric, gold, said, other)
        line = {
            "spec": spec.name,
            "budget": budget,
            "reviewed": spec.budget(budget).review,
            "base": spec.base,
            "reviewed_kept": sum(row.origin == "reviewed" for row in [*rows, *held]),
            "rows_learned": len(rows),
            "gold": len(gold),
            "metric": metric,
            **{name: round(value, 4) for name, value in vars(found).items()},
            "beside": beside,
            "points_ahead": round(100 * ahead.value, 2),
            "ahead_low": round(100 * ahead.low, 2),
            "ahead_high": round(100 * ahead.high, 2),
            "teacher": build.teacher,
            **asdict(here()),
        }
        save(out, KEY, line)


if __name__ == "__main__":
    main()
