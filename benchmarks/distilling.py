"""What a larger model's word on every token is worth to a student that writes with fewer layers.

    python benchmarks/distilling.py [SPEC] [--rows 200] [--layers 15] [--seeds 1] [--sample 250]

The mentor is the spec's own student, all of its layers, trained on people's rows. The smaller student has the first
layers of the same base and all weights of these are trained on the same rows, twice: on the answers alone, and with the
mentor's probabilities beside them (`student.distil` with its default share and temperature). Torch writes their answers
to validation.jsonl, or a sample of it, and they are measured by the spec's first metric; `points_gained` is the paired
difference from the student without a mentor of the same seed, with a bootstrap interval over rows. No teacher is asked.
Models are kept in FACTORY_HOME: stopped anywhere, the same command goes on. Results: benchmarks/results/distilling.csv,
a line a training.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.parts import people
from benchmarks.parts.table import save
from factory import settings
from factory import spec as specs
from factory.errors import FactoryError
from factory.evidence.circumstances import here
from factory.evidence.decision import Decision, truth
from factory.evidence.intervals import bootstrap, paired
from factory.files import digest, read_json
from factory.gold import gold_of
from factory.settings import Settings
from factory.spec_student import Distil
from factory.stages import Build
from factory.stages.model import choosing, recipe_of, student_of
from factory.stages.writing import Writing
from factory.students import ladder
from factory.students.causal import WritingRecipe

RESULTS = Path(__file__).parent / "results" / "distilling.csv"
KEY = ("spec", "base", "people", "student", "layers", "seed")


def main(arguments: Sequence[str] | None = None) -> None:
    """Train and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("spec", nargs="?", default="medical/question_summary", help="<vertical>/<task>")
    parser.add_argument("--rows", type=int, default=200, help="of people's, an eighth of them held out")
    parser.add_argument("--layers", type=int, default=15, help="of the smaller student")
    parser.add_argument("--seeds", type=int, default=1, help="draws of rows and trainings")
    parser.add_argument("--sample", type=int, default=250, help="gold rows that are answered, at most")
    parser.add_argument("--out", type=Path, default=RESULTS)
    asked = parser.parse_args(arguments)
    where = settings.load()
    for seed in range(asked.seeds):
        _measured(asked, where, seed)


def _measured(asked: argparse.Namespace, where: Settings, seed: int) -> None:
    """The lines of one draw."""
    spec = specs.load(asked.spec, where.prompts)
    known, apart = people.drawn(spec, where, asked.rows, seed)
    gold = gold_of(spec, where.gold)
    gold = [gold[place] for place in np.random.default_rng(0).permutation(len(gold))[: asked.sample]]
    facts = [truth(row) for row in gold]
    with Build(spec, "quick", where) as build:
        student = student_of(build)
        if not isinstance(student, Writing):
            raise FactoryError(f"{spec.name} is a task of {spec.kind}; only students that write have mentors.",
                               fix="Name a specialist of kind extraction or generation.")  # fmt: skip
        own: WritingRecipe = replace(recipe_of(build), seed=seed)
        small = replace(ladder.recipes(own, ["full"])[0], layers=asked.layers)

        def folder_of(recipe: WritingRecipe) -> Path:
            named = {**asdict(recipe), "rows": asked.rows, "trainer": student.lesson.trainer}
            return where.home / "benchmarks" / "distilling" / spec.name / digest(named)[:16]

        says = Distil(model=str(folder_of(own)))
        taught = replace(small, mentor=says.model, distil=says.share, softness=says.temperature)
        bare: list[Decision] = []
        for name, recipe in (("mentor", own), ("alone", small), ("with mentor", taught)):
            folder = folder_of(recipe)
            begun, went_on = time.perf_counter(), folder.exists()
            if not (folder / "training.json").exists():
                student.fit(known, choosing(apart, spec.student), recipe, folder, build.meter(name, "steps"))
            taken = "" if went_on else round(time.perf_counter() - begun, 1)
            answers = list(student.alone(folder, recipe, [row.text for row in gold])[0])
            bare = answers if name == "alone" else bare
            gain = paired(student.metrics[0], facts, answers, bare) if name == "with mentor" else None
            value = bootstrap(student.metrics[0], facts, answers)
            epochs: list[dict[str, Any]] = read_json(folder / "training.json")["epochs"]
            save(
                asked.out,
                KEY,
                {
                    "spec": spec.name,
                    "base": Path(spec.base).name,
                    "people": len(known) + len(apart),
                    "seed": seed,
                    "student": name,
                    "layers": recipe.layers or "all",
                    "method": recipe.method,
                    "epochs": len(epochs),
                    "held_out_loss": min(one["held_out"] for one in epochs),
                    "seconds": taken,
                    "gold": len(gold),
                    "metric": student.metrics[0],
                    **{key: round(getattr(value, key), 4) for key in ("value", "low", "high")},
                    "points_gained": round(100 * gain.value, 2) if gain else "",
                    "gain_low": round(100 * gain.low, 2) if gain else "",
                    "gain_high": round(100 * gain.high, 2) if gain else "",
                    **asdict(here()),
                },
            )


if __name__ == "__main__":
    main()
