"""How much of a figure is the luck of a training: the same recipe with other seeds, each measured on gold rows."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import mean, stdev

from factory.dataset.version import open_version
from factory.evidence.circumstances import Circumstances
from factory.evidence.decision import truth
from factory.evidence.intervals import value_of
from factory.evidence.predictions import answers, read_predictions, write_predictions
from factory.evidence.records import Seeds, gold_hash
from factory.evidence.sample import describe, sample
from factory.files import write_json
from factory.processes import Task
from factory.row import Gold, read_rows, write_rows
from factory.stage import Output
from factory.stages import model
from factory.stages.build import SUMMARY, Build
from factory.stages.fitting import HELD, LEARNED, STEPS, Watch, each, fit, noted, watched
from factory.stages.student import Student
from factory.students.lesson import Recipe

SAID, MODEL = "predictions.jsonl", "model"


def reseeded(build: Build) -> Output | None:
    """What students trained as the published one, with other seeds, say of gold rows: seed-14/predictions.jsonl.

    None where the spec asks for one training. On a processor they are trained side by side.
    """
    count = build.spec.student.seeds
    if count < 2:
        return None
    made, student, recipe = build.run("dataset"), model.student_of(build), model.kept(build)
    trainers, gold = build.settings.trainers, sample(build.gold, student.measured)
    others = [replace(recipe, seed=recipe.seed + number) for number in range(1, count)]

    def work(out: Path) -> None:
        version = open_version(made.path)
        write_rows(out / LEARNED, version.rows("train"))
        write_rows(out / HELD, model.choosing(version.rows("held_out"), build.spec.student))
        folders = [_folder(out, one) for one in others]
        name = "train with other seeds"
        meters = build.meter(name, "texts" if recipe.frozen else "steps"), build.meter(f"{name}, ask", "students")
        watch = watched(folders, *meters, SAID)

        def tasks() -> Iterator[Task]:
            for one, folder in zip(others, folders, strict=True):
                if not (folder / SAID).exists():
                    yield learn, (student, one, folder, gold, trainers)

        each(tasks(), len(others), trainers, watch)
        write_json(out / SUMMARY, {"trainings with other seeds": len(others)})
        for file in (out / LEARNED, out / HELD, *(folder / STEPS for folder in folders)):
            file.unlink(missing_ok=True)

    inputs = {"dataset": made, "recipe": model.identity(build, recipe), "seeds": count, "gold": build.gold_file}
    return build.stage("reseeded", inputs, work)


def learn(
    student: Student, recipe: Recipe, folder: Path, gold: Sequence[Gold], trainers: int, watch: Watch = lambda: None
) -> None:
    """Train a student on the rows beside its folder, or go on with that, and leave what it says of gold rows there."""
    rows, held = (read_rows(folder.parent / name) for name in (LEARNED, HELD))
    if not (folder / MODEL / "training.json").exists():
        fit(student, rows, held, recipe, folder / MODEL, noted(folder, watch), trainers)
    decisions, _ = student.alone(folder / MODEL, recipe, [row.text for row in gold])
    write_predictions(folder / SAID, answers(f"seed {recipe.seed}", gold, decisions))
    shutil.rmtree(folder / MODEL)


def record(build: Build, circumstances: Circumstances) -> list[Seeds]:
    """The main figure by seed, the published student's first; nothing where there is one training."""
    made, student, recipe = reseeded(build), model.student_of(build), model.kept(build)
    if not made:
        return []
    rows, metric, folder = sample(build.gold, student.measured), student.metrics[0], build.run("train").path
    gold = [truth(row) for row in rows]
    said = [student.alone(folder, recipe, [row.text for row in rows])[0]]
    seeds = tuple(recipe.seed + number for number in range(build.spec.student.seeds))
    said += [read_predictions(_folder(made.path, replace(recipe, seed=seed)) / SAID).predicted for seed in seeds[1:]]
    values = tuple(value_of(metric, gold, one) for one in said)
    return [
        Seeds(
            who=model.trained(build).who, what=f"{build.base_identity}, {model.way_of(folder)}, by torch",
            rows=gold_hash(rows), n=len(rows), sample=describe(build.gold, student.measured), **vars(circumstances),
            figure=metric, seeds=seeds, values=values, mean=mean(values), sd=stdev(values),
        )
    ]  # fmt: skip


def _folder(out: Path, recipe: Recipe) -> Path:
    return out / f"seed-{recipe.seed}"
