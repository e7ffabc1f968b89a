"""From a dataset version to a trained, exported, calibrated student; and the student people's rows alone would make."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from factory.dataset.version import open_version
from factory.errors import FactoryError
from factory.evidence import calibration
from factory.evidence.circumstances import Circumstances
from factory.evidence.records import Export, decision, rows_hash, said
from factory.files import read_json, write_json
from factory.publish import ask
from factory.publish.package import Trained, describe, package
from factory.row import Row
from factory.spec import Student as StudentSpec
from factory.stage import Output
from factory.stages.build import SUMMARY, Build
from factory.stages.classifying import Classifying
from factory.stages.student import Student
from factory.stages.tagging import Tagging
from factory.students.export import EXPORTER, FP32, INT8, difference, export
from factory.students.training import Recipe
from factory.students.training import train as fit
from zoo.loader import open_folder
from zoo.manifest import WEIGHTS
from zoo.specialist import Specialist

OF_KIND: Mapping[str, Student] = {"classification": Classifying(), "spans": Tagging()}
"""Kind of task to its student, where there is one."""
CALIBRATION = "calibration.json"
LARGEST_DIFFERENCE = 1e-3
"""Between torch's probabilities and the fp32 export's; more is a broken export."""
FLOOR = 0.9
"""The share of its answers to held-out rows that int8 must give as torch does, or fp32 is published in its place. What
differs may be lost: a tenth is more than an opponent is usually beaten by. Sound exports share 95 % and more of their
answers with torch, one whose products saturate 20 %."""


def train(build: Build) -> Output:
    """The student: safetensors, tokenizer, ONNX fp32, int8 unless it answers otherwise, calibration.json."""
    made = build.run("dataset")
    recipe, student = recipe_of(build), student_of(build)

    def work(out: Path) -> None:
        version = open_version(made.path)
        held = version.rows("held_out")
        if not (out / "training.json").exists():
            fit(student.lesson, version.rows("train"), held, recipe, out, build.meter("train", "steps"))
        export(out, student.lesson.outputs(recipe.labels), recipe.max_tokens, out, pooled=student.pooled)
        calibrate(student, out, held, recipe, build.spec.student.risk)

    stated = _stated(build.spec.student)
    inputs = {"dataset": made, "recipe": _identity(build, recipe), "exporter": EXPORTER, "floor": FLOOR, **stated}
    return build.stage("train", inputs, work)


def calibrate(student: Student, out: Path, held: Sequence[Row], recipe: Recipe, risk: float) -> None:
    """Temperature by held-out rows, the risk's threshold by people's, and every export compared with torch on them.

    An int8 export below the floor is removed.
    """
    texts = [row.text for row in held]
    reference = np.concatenate(student.logits(out, recipe, texts))
    exports = {name: student.logits(out, recipe, texts, out / name) for name in (FP32, INT8)}
    parity = {name: difference(reference, np.concatenate(says), student.silent) for name, says in exports.items()}
    if parity[FP32]["largest_probability_difference"] > LARGEST_DIFFERENCE:
        raise FactoryError(
            f"The ONNX export answers differently from torch: {parity[FP32]}.", where=str(out / FP32),
            fix="Try another version of torch or onnx; nothing was published.",
        )  # fmt: skip
    agreement = parity[INT8]["same_label"]
    weights = "int8" if agreement >= FLOOR else "fp32"
    if weights == "fp32":
        (out / INT8).unlink()
    logits = exports[WEIGHTS[weights]]
    scale = calibration.temperature(np.concatenate(logits), student.targets(out, recipe, held))
    people = [number for number, row in enumerate(held) if row.origin == "reviewed"]
    bound = None
    if people:
        answers = [logits[number] for number in people]
        sure, right = student.certainty(out, recipe, [held[number] for number in people], answers, scale)
        bound = calibration.threshold(sure, right, risk) if len(sure) else None
    history = read_json(out / "training.json")["epochs"]
    write_json(
        out / CALIBRATION,
        {
            "temperature": round(scale, 4),
            "threshold": round(bound.confidence, 4) if bound else None,
            "parity": parity,
            "weights": weights,
        },
    )
    write_json(
        out / SUMMARY,
        {
            "epochs": len(history),
            student.lesson.figure: min(item["held_out"] for item in history),
            "temperature": round(scale, 3),
            "int8 answers as torch does": round(agreement, 4),
            "published weights": weights,
        },
    )


def reviewed_only(build: Build) -> Output:
    """The same recipe on the rows people labelled, and nothing else; an opponent. No model where there are too few."""
    made = build.run("dataset")
    recipe = recipe_of(build)

    def work(out: Path) -> None:
        version = open_version(made.path)
        rows, held = ([r for r in version.rows(s) if r.origin == "reviewed"] for s in ("train", "held_out"))
        enough = len(rows) >= 2 and len(held) >= 1
        if enough and not (out / "training.json").exists():
            fit(student_of(build).lesson, rows, held, recipe, out, build.meter("train on reviewed rows", "steps"))
        write_json(out / SUMMARY, {"rows": len(rows), "trained": enough})

    return build.stage("reviewed_only", {"dataset": made, "recipe": _identity(build, recipe)}, work)


def trained(build: Build) -> Trained:
    """The trained student, as publishing takes it."""
    folder = build.run("train").path
    values = read_json(folder / CALIBRATION)
    return Trained(
        folder=folder,
        max_tokens=build.spec.student.max_tokens,
        temperature=values["temperature"],
        threshold=values["threshold"],
        weights=values["weights"],
        risk=build.spec.student.risk,
        ask=ask.told(lambda text: student_of(build).question(build.spec, text, True)),
        lineage={
            "dataset": open_version(build.run("dataset").path).version,
            "teacher": build.teacher,
            **({"judges": ", ".join(judge.identity for judge in build.judges)} if build.spec.judges else {}),
            "encoder": build.encoder_identity,
            "budget": build.budget_name,
        },
    )


def student_of(build: Build) -> Student:
    """The student of the spec's kind."""
    return OF_KIND[build.spec.kind]


def export_record(build: Build, circumstances: Circumstances) -> Export:
    """What the training stage found of the int8 export, as evidence."""
    values = read_json(build.run("train").path / CALIBRATION)
    held = open_version(build.run("dataset").path).rows("held_out")
    agreement, published = values["parity"][INT8]["same_label"], values["weights"]
    found = f"int8 gives {100 * agreement:.1f} % of torch's answers to {len(held)} held-out rows"
    asked = f"at least {100 * FLOOR:.0f} % is asked"
    return Export(
        who="student:int8",
        what=f"{build.encoder_identity}, ONNX int8",
        rows=rows_hash((row.id, said(decision(row))) for row in held),
        n=len(held),
        sample="held out of training",
        **vars(circumstances),
        agreement=agreement,
        floor=FLOOR,
        published=published,
        sentence=f"{found}; {asked}."
        if published == "int8"
        else f"{found}, and {asked}: fp32 is published in its place.",
    )


def candidate(build: Build, folder: Path, weights: str) -> Specialist:
    """The student as an application would run it: packaged without card or evidence, opened by the zoo."""
    student = trained(build)
    manifest = describe(student, build.spec, f"{build.spec.major}.0.0")
    sealed = package(student, manifest, card="", evidence=[], out=folder)
    return open_folder(folder, sealed, weights=weights)


def recipe_of(build: Build) -> Recipe:
    """How the spec's student is trained within the build's budget."""
    student = build.spec.student
    return Recipe(
        encoder=build.encoder_source,
        labels=tuple(build.labels),
        max_tokens=student.max_tokens,
        rank=student.lora_rank,
        learning_rate=student.learning_rate,
        epochs=build.budget.epochs,
    )


def _stated(student: StudentSpec) -> dict[str, float]:
    """The risk that a spec states; one that states none trains under the key it always had."""
    said: dict[str, Any] = student.model_dump(mode="json")
    return {"risk": said["risk"]} if "risk" in said else {}


def _identity(build: Build, recipe: Recipe) -> dict[str, Any]:
    """A recipe without the machine's paths, and who follows it."""
    return {
        **vars(recipe),
        "labels": list(recipe.labels),
        "encoder": build.encoder_identity,
        "trainer": student_of(build).lesson.trainer,
    }
