"""From a dataset version to a trained and exported student; and the students that it is compared with.

Where the ladder climbs and a way of training seems to pay by held-out rows, which are few, it is asked again: whether
it does of people's rows, too, when each is told of by who has not learned it (factory.stages.cross_fit).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from factory.dataset.version import open_version
from factory.files import read_json, write_json
from factory.row import Row
from factory.stage import Output
from factory.stages import model
from factory.stages.build import SUMMARY, Build
from factory.stages.cross_fit import wrong
from factory.stages.fitting import fit
from factory.students import ladder, training
from factory.students.export import INT8
from factory.students.ladder import Again
from factory.students.lesson import Recipe


def train(build: Build) -> Output:
    """The student: safetensors, tokenizer, ONNX fp32, int8 unless it answers otherwise, exports.json."""
    made = build.run("dataset")
    recipe, student = model.recipe_of(build), model.student_of(build)

    def work(out: Path) -> None:
        version = open_version(made.path)
        held = version.rows("held_out")
        _fit(
            build, version.rows("train"), model.choosing(held, build.spec.student), out, "train", partial(wrong, build)
        )
        student.export(out, recipe)
        parity = student.compare(out, held, recipe)
        weights = student.published(parity, out)
        if weights != "int8":
            (out / INT8).unlink()
        write_json(out / model.EXPORTS, {"parity": parity, "weights": weights})
        (history, number), rungs = model.learned(out), ladder.rungs(out)
        heads = read_json(out / "training.json").get("heads", [])
        chosen = heads[training.kept(heads)] if heads else history[number]
        write_json(
            out / SUMMARY,
            {
                "trained": model.way_of(out),
                **{f"{student.lesson.figure}, {one.method}": one.sentence for one in rungs},
                **({} if model.method_of(out) == "frozen" else {"epochs": len(history)}),
                student.lesson.figure: chosen["held_out"],
                **({"head": _head(chosen["penalty"])} if heads else {}),
                "int8 answers as torch does": round(student.agreement(parity), 4),
                "published weights": weights,
            },
        )

    # `leaves`: folders from before `calibrate` was a stage have no such file.
    exported = {"exporter": student.exporter, "floor": student.floor, "leaves": model.EXPORTS}
    climbs, folds = build.spec.student.recipe == "auto", build.spec.student.folds
    asked = {"folds": folds} if climbs and folds is not None else {}  # in how many parts a rung is asked again
    inputs = {"dataset": made, "recipe": model.identity(build), **exported, **asked}
    return build.stage("train", inputs, work)


def reviewed_only(build: Build) -> Output:
    """The same recipe on the rows people labelled, and nothing else; an opponent. No model where there are too few."""
    made = build.run("dataset")

    def work(out: Path) -> None:
        version = open_version(made.path)
        rows, held = ([r for r in version.rows(s) if r.origin == "reviewed"] for s in ("train", "held_out"))
        enough = len(rows) >= 2 and len(held) >= 1
        if enough:
            _fit(build, rows, held, out, "train on reviewed rows")
        write_json(out / SUMMARY, {"rows": len(rows), "trained": enough})

    return build.stage("reviewed_only", {"dataset": made, "recipe": model.identity(build)}, work)


def unpruned(build: Build) -> Output | None:
    """The student with all of its layers, trained as the other was; an opponent. None where that one has them all."""
    if not build.spec.student.layers:
        return None
    made, recipe = build.run("dataset"), replace(model.kept(build), layers=0)

    def work(out: Path) -> None:
        version = open_version(made.path)
        held = model.choosing(version.rows("held_out"), build.spec.student)
        told = build.meter("train with all layers", "texts" if recipe.frozen else "steps")
        fit(model.student_of(build), version.rows("train"), held, recipe, out, told, build.settings.trainers)
        write_json(out / SUMMARY, {"trained": model.way_of(out)})

    return build.stage("unpruned", {"dataset": made, "recipe": model.identity(build, recipe)}, work)


def _fit(
    build: Build,
    rows: Sequence[Row],
    held: Sequence[Row],
    out: Path,
    name: str,
    again: Again[Recipe] = lambda recipe, folder: None,
) -> None:
    """Train the spec's student to a folder, or go on with that; `again` as of ladder.climb."""
    several = len(model.recipes_of(build)) > 1

    def by(recipe: Recipe, folder: Path) -> None:
        told = build.meter(f"{name}, {recipe.method}" if several else name, "texts" if recipe.frozen else "steps")
        fit(model.student_of(build), rows, held, recipe, folder, told, build.settings.trainers)

    ladder.climb(model.recipes_of(build), by, out, again)


def _head(penalty: float) -> str:
    """Which of a trained model's heads was kept (Lesson.close), for people."""
    return f"fitted anew, penalty {penalty:g}" if penalty else "as trained"
