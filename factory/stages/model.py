"""From a dataset version to a trained, exported, calibrated student; and the student people's rows alone would make."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from factory.dataset.version import open_version
from factory.errors import FactoryError
from factory.evidence import calibration
from factory.files import read_json, write_json
from factory.publish.package import Trained, describe, package
from factory.row import Row
from factory.stage import Output
from factory.stages.build import SUMMARY, Build
from factory.students.classifier import TRAINER, Recipe, targets
from factory.students.classifier import train as fit
from factory.students.encoder import Encoder
from factory.students.export import FP32, INT8, difference, export
from zoo.classifier import Classifier

RISK = 0.1
"""Answers above the threshold should be wrong at most this often, as far as held-out reviewed rows can tell."""
CALIBRATION = "calibration.json"
LARGEST_DIFFERENCE = 1e-3
"""Between torch's probabilities and the fp32 export's; more is a broken export."""


def train(build: Build) -> Output:
    """The student: safetensors, tokenizer, ONNX fp32 and int8, calibration.json."""
    made = build.run("dataset")
    recipe = recipe_of(build)

    def work(out: Path) -> None:
        version = open_version(made.path)
        held = version.rows("held_out")
        if not (out / "training.json").exists():
            fit(version.rows("train"), held, recipe, out, build.meter("train", "steps"))
        export(out, recipe.labels, recipe.max_tokens, out)
        _calibrate(build, out, held, recipe)

    return build.stage("train", {"dataset": made, "recipe": _identity(build, recipe)}, work)


def reviewed_only(build: Build) -> Output:
    """The same recipe on the rows people labelled, and nothing else; an opponent. No model where there are too few."""
    made = build.run("dataset")
    recipe = recipe_of(build)

    def work(out: Path) -> None:
        version = open_version(made.path)
        rows, held = ([r for r in version.rows(s) if r.origin == "reviewed"] for s in ("train", "held_out"))
        enough = len(rows) >= 2 and len(held) >= 1
        if enough and not (out / "training.json").exists():
            fit(rows, held, recipe, out, build.meter("train on reviewed rows", "steps"))
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
        lineage={
            "dataset": open_version(build.run("dataset").path).version,
            "teacher": build.teacher,
            **({"judges": ", ".join(judge.identity for judge in build.judges)} if build.spec.judges else {}),
            "encoder": build.encoder_identity,
            "budget": build.budget_name,
        },
    )


def candidate(build: Build, folder: Path, weights: str) -> Classifier:
    """The student as an application would run it: packaged without card or evidence, opened by the zoo."""
    student = trained(build)
    manifest = describe(student, build.spec, f"{build.spec.major}.0.0")
    sealed = package(student, manifest, card="", evidence=[], out=folder)
    return Classifier(folder, sealed, weights=weights)


def _calibrate(build: Build, out: Path, held: Sequence[Row], recipe: Recipe) -> None:
    """Temperature and threshold by held-out rows, and every export compared with torch on them."""
    texts = [row.text for row in held]
    reference = Encoder.load(out, recipe.labels, recipe.max_tokens).predict_logits(texts)
    exports = {FP32: _onnx_logits(out / FP32, out, texts, recipe), INT8: _onnx_logits(out / INT8, out, texts, recipe)}
    parity = {name: difference(reference, logits) for name, logits in exports.items()}
    if parity[FP32]["largest_probability_difference"] > LARGEST_DIFFERENCE:
        raise FactoryError(
            f"The ONNX export answers differently from torch: {parity[FP32]}.", where=str(out / FP32),
            fix="Try another version of torch or onnx; nothing was published.",
        )  # fmt: skip
    scale = calibration.temperature(exports[INT8], targets(held, recipe.labels))
    people = [number for number, row in enumerate(held) if row.origin == "reviewed"]
    bound = None
    if people:
        p = calibration.probabilities(exports[INT8][people], scale)
        right = [recipe.labels[int(best)] == held[i].label for best, i in zip(p.argmax(1), people, strict=True)]
        bound = calibration.threshold(p.max(axis=1), np.array(right), RISK)
    history = read_json(out / "training.json")["epochs"]
    write_json(
        out / CALIBRATION,
        {"temperature": round(scale, 4), "threshold": round(bound.confidence, 4) if bound else None, "parity": parity},
    )
    write_json(
        out / SUMMARY,
        {
            "epochs": len(history),
            "held-out loss": min(item["held_out"] for item in history),
            "temperature": round(scale, 3),
            "int8 answers as torch does": round(parity[INT8]["same_label"], 4),
        },
    )


def _onnx_logits(file: Path, folder: Path, texts: Sequence[str], recipe: Recipe) -> Any:
    """Logits [texts, labels] by onnxruntime, one text at a time as the zoo runs int8."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    encoder = Encoder.load(folder, recipe.labels, recipe.max_tokens)
    found = []
    for text in texts:
        batch = {name: value.numpy() for name, value in encoder.tokens([text]).items()}
        found.append(session.run(["logits"], batch)[0][0])
    return np.stack(found)


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


def _identity(build: Build, recipe: Recipe) -> dict[str, Any]:
    """A recipe without the machine's paths, and who follows it."""
    return {
        **vars(recipe),
        "labels": list(recipe.labels),
        "encoder": build.encoder_identity,
        "trainer": TRAINER,
    }
