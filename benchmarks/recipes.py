"""What another way of training the student is worth, on the rows of a finished build.

    python benchmarks/recipes.py finance/sentiment --recipe dropout=0.1 [--recipe rank=32,dropout=0.1] [--seeds 2]

The spec's own recipe comes first, then each one asked for with these values changed, for every seed. The epoch is
chosen by held-out rows, as in a build. Figures are the held-out loss, or the share of held-out spans that are wrong
(choose by this one), accuracy, or of spans strict span F1, on all validation gold by torch (look at this one last), and
its paired difference, in points, from the spec's own recipe with the same seed. Models are kept in FACTORY_HOME:
stopped anywhere, the same command goes on. Results: benchmarks/results/recipes.csv, a line a training; lines of other
dataset versions stay.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from benchmarks.parts.recipe import OWN, VARIED, changed
from benchmarks.parts.table import save
from factory import settings
from factory import spec as specs
from factory.dataset.version import DatasetVersion, open_version
from factory.evidence.circumstances import hardware
from factory.evidence.decision import Decision, truth
from factory.evidence.intervals import paired, value_of
from factory.files import digest, read_json
from factory.stages import Build
from factory.stages.model import recipe_of, student_of
from factory.students.lesson import Recipe

RESULTS = Path(__file__).parent / "results" / "recipes.csv"
KEY = ("spec", "dataset", "trainer", "recipe", "seed")


def main(arguments: Sequence[str] | None = None) -> None:
    """Train what was asked for and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("spec", nargs="?", default="finance/sentiment", help="<vertical>/<task>; built if need be")
    parser.add_argument("--budget", default="full")
    parser.add_argument("--recipe", action="append", default=[], help=f"changes, of: {', '.join(VARIED)}")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--out", type=Path, default=RESULTS)
    asked = parser.parse_args(arguments)
    where = settings.load()
    with Build(specs.load(asked.spec, where.prompts), asked.budget, where) as build:
        version = open_version(build.run("dataset").path)
        base = recipe_of(build)
        for seed in range(base.seed, base.seed + asked.seeds):
            own: list[Decision] = []
            for text in ["", *asked.recipe]:
                recipe = changed(replace(base, seed=seed), text)
                line, answers = _measure(build, version, recipe)
                own = own or answers
                gain = paired(student_of(build).metrics[0], [truth(row) for row in build.gold], answers, own)
                save(
                    asked.out,
                    KEY,
                    {
                        "spec": build.spec.name,
                        "dataset": version.version,
                        "trainer": student_of(build).lesson.trainer,
                        "recipe": text or OWN,
                        "seed": seed,
                        **line,
                        "points_gained": round(100 * gain.value, 2),
                        "low": round(100 * gain.low, 2),
                        "high": round(100 * gain.high, 2),
                        "hardware": hardware(),
                    },
                )


def _measure(build: Build, version: DatasetVersion, recipe: Recipe) -> tuple[dict[str, Any], list[Decision]]:
    """Train unless it is done; the figures, and the answers to the gold rows."""
    named = {
        **asdict(recipe),
        "encoder": build.base_identity,
        "trainer": student_of(build).lesson.trainer,
        "dataset": version.version,
    }
    out = build.settings.home / "benchmarks" / "recipes" / build.spec.name / digest(named)[:16]
    rows, held, student = version.rows("train"), version.rows("held_out"), student_of(build)
    if not (out / "training.json").exists():
        out.mkdir(parents=True, exist_ok=True)
        student.fit(rows, held, recipe, out, build.meter("train", "steps"))
    history = read_json(out / "training.json")["epochs"]
    answers, _ = student.alone(out, recipe, [row.text for row in build.gold])
    metric = student.metrics[0]
    return {
        "rows": len(rows),
        "epochs": len(history),
        "held_out_loss": min(item["held_out"] for item in history),
        "gold": len(answers),
        "accuracy": "",
        "span_f1": "",
        metric: round(value_of(metric, [truth(row) for row in build.gold], answers), 4),
    }, list(answers)


if __name__ == "__main__":
    main()
