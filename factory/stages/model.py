"""The student: which it is, how it is trained, and what the stages that come after training know of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from factory.dataset.version import open_version
from factory.evidence.circumstances import Circumstances
from factory.evidence.predictions import read_predictions
from factory.evidence.records import Export, rows_hash
from factory.files import read_json
from factory.publish import ask
from factory.publish.package import Trained, describe, package
from factory.row import Row
from factory.spec_student import Student as StudentSpec
from factory.stages.answering import Answering
from factory.stages.build import Build
from factory.stages.classifying import Classifying
from factory.stages.recording import Recording
from factory.stages.student import Student
from factory.stages.tagging import Tagging
from factory.students import ladder, training
from factory.students.encoder_lesson import PENALTIES
from factory.students.lesson import Recipe
from factory.teacher import weights
from zoo.doubt import Doubt
from zoo.loader import open_folder
from zoo.specialist import Specialist

OF_KIND: Mapping[str, Student] = {
    "classification": Classifying(),
    "spans": Tagging(),
    "extraction": Recording(),
    "generation": Answering(),
}
"""Kind of task to its student."""
EXPORTS, CALIBRATION = "exports.json", "calibration.json"
"""How far each export answers as torch does, and which is published; how sure it may be (factory.stages.calibrate)."""
BETTER = "teacher.jsonl"
"""The teacher's answers by the better of its two prompts, in what the stage `zero_shot` left."""
WAYS = {
    "frozen": "frozen, its head trained",
    "lora": "LoRA merged",
    "qlora": "LoRA over 4-bit weights, merged",
    "full": "all weights trained",
}
"""How a student was trained, for people."""
UNLIKE = {"frozen": "frozen", "quantized": "qlora"}
"""What of a recipe, where it is set, is a way of its own."""
UNSAID = (*UNLIKE, "layers", "mentor", "distil", "softness", "penalty")
"""What of a recipe says nothing where it is not set: older recipes do not say that it was not."""


def trained(build: Build) -> Trained:
    """The trained student, as publishing takes it; a larger model is to be asked as the teacher was asked best."""
    folder, student, policy = build.run("train").path, student_of(build), better_by_policy(build)
    distil = build.spec.student.distil
    values = read_json(build.run("calibrate").path / CALIBRATION)
    return Trained(
        folder=folder,
        max_tokens=build.spec.student.max_tokens,
        temperature=values["temperature"],
        doubt=Doubt(values["threshold"], values.get("thresholds", {})),
        weights=read_json(folder / EXPORTS)["weights"],
        risk=build.spec.student.risk,
        ask=ask.told(lambda text: student.question(build.spec, text, policy)),
        lineage={
            "dataset": open_version(build.run("dataset").path).version,
            "teacher": build.teacher,
            **({"judges": ", ".join(judge.identity for judge in build.judges)} if build.spec.judges else {}),
            student.starts_from: build.base_identity,
            **({"distilled from": weights.identity(distil.model, build.settings)} if distil else {}),
            "budget": build.budget_name,
        },
    )


def better_by_policy(build: Build) -> bool:
    """Whether the teacher answers gold rows better with the policy than without, as the stage `zero_shot` measured."""
    # Told by the evidence's own words, which are all that the stages finished so far have of it.
    what = read_predictions(build.run("zero_shot").path / BETTER).what
    return f"zero-shot by {student_of(build).prompts[True]}, " in what


def student_of(build: Build) -> Student:
    """The student of the spec's kind."""
    return OF_KIND[build.spec.kind]


def export_record(build: Build, circumstances: Circumstances) -> Export:
    """What the training stage found of the int8 export, as evidence."""
    values, student = read_json(build.run("train").path / EXPORTS), student_of(build)
    held = open_version(build.run("dataset").path).rows("held_out")[: student.compared]
    agreement, published = student.agreement(values["parity"]), values["weights"]
    found = f"int8 gives {100 * agreement:.1f} % of torch's answers to {len(held)} held-out rows"
    asked = f"at least {100 * student.floor:.0f} % is asked"
    return Export(
        who="student:int8",
        what=f"{build.base_identity}, ONNX int8",
        rows=rows_hash((row.id, row.decision) for row in held),
        n=len(held),
        sample="held out of training",
        **vars(circumstances),
        agreement=agreement,
        floor=student.floor,
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


def recipes_of(build: Build) -> list[Recipe]:
    """How the spec's student is trained within the build's budget: by one recipe, or by the first that the next is not
    worth.
    """
    student, said = student_of(build), build.spec.student.recipe
    return ladder.recipes(student.recipe(build), student.methods if said == "auto" else [said])


def recipe_of(build: Build) -> Recipe:
    """The first of them; they differ in what is trained alone."""
    return recipes_of(build)[0]


def kept(build: Build) -> Recipe:
    """The one by which the trained student was trained."""
    method = method_of(build.run("train").path)
    return next(one for one in recipes_of(build) if one.method == method)


def as_trained(recipe: Recipe, folder: Path) -> Recipe:
    """The recipe with the penalty that was chosen for the head of the model in a folder, which was trained by it.

    A head's penalty says how sure it is, more than anything else does: students who are to stand for one another have
    the same.
    """
    heads = read_json(folder / "training.json").get("heads")
    if heads:
        return replace(recipe, penalty=heads[training.kept(heads)]["penalty"])
    history, kept = learned(folder)
    return replace(recipe, penalty=history[kept]["penalty"]) if recipe.frozen else recipe


def learned(folder: Path) -> tuple[list[dict[str, float]], int]:
    """The epochs (or heads of a frozen model) of the model in a folder, and the number of the one kept, from 0."""
    told = read_json(folder / "training.json")
    history: list[dict[str, float]] = told["epochs"]
    return history, told.get("kept", training.kept(history))  # the lowest, before models said which


def method_of(folder: Path) -> str:
    """How the model in a folder was trained: a key of WAYS."""
    said = read_json(folder / "training.json")["recipe"]
    unlike = next((way for key, way in UNLIKE.items() if said.get(key)), None)
    return unlike or ("lora" if said["rank"] else "full")


def way_of(folder: Path) -> str:
    """How the model in a folder was trained, for people."""
    layers = read_json(folder / "training.json")["recipe"].get("layers")
    return WAYS[method_of(folder)] + (f", layers kept: {layers}" if layers else "")


def choosing(held: Sequence[Row], student: StudentSpec) -> list[Row]:
    """Held-out rows as they choose an epoch: none weighs less for a teacher that is little believed (Way.weighed).

    What is held out of people's rows alone is often so little that chance would choose.
    """
    least = student.synthetic_weight
    return [row if row.weight >= least else row.model_copy(update={"weight": least}) for row in held]


def identity(build: Build, recipe: Recipe | None = None) -> dict[str, Any]:
    """What is trained without the machine's paths, and who trains it; penalties of what is frozen."""
    recipe, said, distil = recipe or recipe_of(build), build.spec.student.recipe, build.spec.student.distil
    frozen = recipe.frozen or (said == "auto" and "frozen" in student_of(build).methods)
    return {
        **{name: value for name, value in vars(recipe).items() if name not in UNSAID or value},
        **({"climbs": list(student_of(build).methods), "climber": ladder.CLIMBER} if said == "auto" else {}),
        **({"penalties": list(PENALTIES)} if frozen else {}),
        **({"mentor": weights.identity(distil.model, build.settings)} if distil else {}),
        "labels": list(recipe.labels),
        "encoder": build.base_identity,
        "trainer": student_of(build).lesson.trainer,
        **({"trainers": build.settings.trainers} if build.settings.trainers > 1 else {}),
    }
