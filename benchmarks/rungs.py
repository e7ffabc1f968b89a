"""How good the ladder's choice between ways of training is where people's rows are few, and nobody else labelled any.

    python benchmarks/rungs.py [SPEC ...] [--rows 200] [--seeds 5] [--methods frozen lora]

Of the spec's people's rows (gold/<specialist>/reviewed.jsonl) so many are drawn, by a seed, and an eighth of these is
held out, as in a build. The student is trained in each way, and all validation gold tells, by torch, how good it is.
Then the ladder climbs twice: by held-out rows alone, and asking again, about parts of the others, what held-out rows
say pays (factory.stages.cross_fit). No teacher is asked. Specs of kinds `spans` and `classification`. Results:
benchmarks/results/rungs.csv, a line a draw; what each choice comes to on average is printed.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.parts import people
from benchmarks.parts.table import save
from factory import settings
from factory import spec as specs
from factory.dataset.split import folds
from factory.errors import FactoryError
from factory.evidence.circumstances import here
from factory.evidence.decision import truth
from factory.evidence.intervals import value_of
from factory.gold import gold_of
from factory.progress import silent
from factory.row import Row
from factory.settings import Settings
from factory.spec import Spec
from factory.stages import Build
from factory.stages.model import as_trained, choosing, method_of, student_of
from factory.stages.scoring import Scoring
from factory.students import ladder
from factory.students.lesson import Recipe

RESULTS = Path(__file__).parent / "results" / "rungs.csv"
KEY = ("spec", "people", "seed")
USUAL = ("finance/sentiment", "support/intent", "legal/clause")


def main(arguments: Sequence[str] | None = None) -> None:
    """Climb as often as was asked for and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("specs", metavar="SPEC", nargs="*", default=USUAL, help="<vertical>/<task>")
    parser.add_argument("--rows", type=int, default=200, help="people's rows")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--methods", nargs="+", choices=Scoring.methods, default=Scoring.methods[:2])
    parser.add_argument("--out", type=Path, default=RESULTS)
    asked = parser.parse_args(arguments)
    where = settings.load()
    for name in asked.specs:
        spec = specs.load(name, where.prompts)
        lines = [_climbed(spec, where, asked, seed) for seed in range(asked.seeds)]
        for way in ("by_held_out", "asked_again", *asked.methods):
            values = [float(line[line[way]] if way in ("by_held_out", "asked_again") else line[way]) for line in lines]
            print(f"{name}, {way}: {100 * np.mean(values):.1f} ({', '.join(f'{100 * one:.1f}' for one in values)})")


def _climbed(spec: Spec, where: Settings, asked: argparse.Namespace, seed: int) -> dict[str, Any]:
    """A draw's line of the table."""
    known, apart = people.drawn(spec, where, asked.rows, seed)
    gold = gold_of(spec, where.gold)
    with Build(spec, "quick", where) as build, tempfile.TemporaryDirectory() as folder:
        student, home = student_of(build), Path(folder)
        if not isinstance(student, Scoring):
            raise FactoryError(f"{spec.name} is a task of {spec.kind}; spans and classification are looked at.",
                               fix="Name another.")  # fmt: skip
        recipes = [replace(one, seed=seed) for one in ladder.recipes(student.recipe(build), asked.methods)]
        held = choosing(apart, spec.student)

        def learn(rows: Sequence[Row], recipe: Recipe, name: str) -> Path:
            out = home / name / recipe.method
            if not (out / "training.json").exists():
                told = silent if recipe.frozen else build.meter(f"seed {seed}, {name}, {recipe.method}", "steps")
                student.fit(rows, held, recipe, out, told)
            return out

        def fit(recipe: Recipe, out: Path) -> None:
            shutil.copytree(learn(known, recipe, "whole"), out, dirs_exist_ok=True)

        @cache
        def told(recipe: Recipe) -> tuple[list[Row], list[Any]]:
            """Rows, and what is said of each by who has not learned it."""
            parts, said = folds(known, student.folds), []
            for number, part in enumerate(parts, 1):
                taken = {row.id for row in part}
                folder = learn([row for row in known if row.id not in taken], recipe, f"part {number}")
                said += [one.tolist() for one in student.logits(folder, recipe, [row.text for row in part])]
            return [row for part in parts for row in part], said

        def again(recipe: Recipe, folder: Path) -> tuple[Any, Any]:
            rows, said = told(as_trained(recipe, folder))
            return np.array(student.wrong(folder, recipe, rows, said)), np.ones(len(rows))

        ladder.climb(recipes, fit, home / "by_held_out")
        ladder.climb(recipes, fit, home / "asked_again", again)
        rungs = ladder.rungs(home / "asked_again")
        line: dict[str, Any] = {
            "spec": spec.name,
            "people": len(known) + len(apart),
            "held_out": len(apart),
            "seed": seed,
            "gold": len(gold),
            "metric": student.metrics[0],
            "by_held_out": method_of(home / "by_held_out"),
            "asked_again": method_of(home / "asked_again"),
        }
        for recipe in recipes:
            answers = student.alone(learn(known, recipe, "whole"), recipe, [row.text for row in gold])[0]
            line[recipe.method] = round(value_of(student.metrics[0], [truth(row) for row in gold], answers), 4)
        for name in ("gain", "error", "asked_gain", "asked_error"):
            value = getattr(rungs[1], name)
            line[name] = "" if value is None else value
    save(asked.out, KEY, line | {"base": spec.base, **asdict(here())})
    return line


if __name__ == "__main__":
    main()
