"""How sure a trained student may be: its temperature, and the threshold for the spec's risk, or labels' own.

People's rows that it has not learned tell that: those held out, and parts of the others (factory.stages.cross_fit).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from factory.dataset.version import open_version
from factory.evidence import calibration
from factory.files import read_json, write_json
from factory.row import read_rows
from factory.stage import Output
from factory.stages import model
from factory.stages.build import SUMMARY, Build
from factory.stages.cross_fit import ASKED, SAID, cross_fit, news, people
from factory.stages.student import Certainty

CALIBRATOR = 5
"""The version of how it is done."""
FEW = 100
"""With fewer of people's rows all held-out ones say what the temperature is."""
ANSWERS = "answers.json"
OFFERED = (0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3)
"""Risks of which it is told what could be promised."""


def calibrate(build: Build) -> Output:
    """Temperature and threshold, calibration.json; and the answers they rest on, answers.json."""
    made, trained = build.run("dataset"), build.run("train")
    parts = cross_fit(build, model.kept(build), trained.path)
    student, spec = model.student_of(build), build.spec.student

    def work(out: Path) -> None:
        recipe, version = model.recipe_of(build), open_version(made.path)
        weights, held = read_json(trained.path / model.EXPORTS)["weights"], version.rows("held_out")
        apart, asked = news(build, version), read_rows(parts.path / ASKED)
        rows, said = [*apart, *asked], read_json(parts.path / SAID)[weights]
        if apart:
            said = [*student.says(trained.path, recipe, apart, weights), *said]
        told = (rows, said) if len(rows) >= FEW else (held, student.says(trained.path, recipe, held, weights))
        scale = student.temperature(trained.path, recipe, *told)
        answers = student.certainty(trained.path, recipe, rows, said, scale) if rows else Certainty((), (), ())
        found = _shown(answers, spec.risk, spec.risk_by_label)
        write_json(out / model.CALIBRATION, {"temperature": round(scale, 4), **vars(found.doubt)})
        write_json(out / ANSWERS, _plain(answers))
        write_json(
            out / SUMMARY,
            {
                "people's rows": len(rows),
                "of these held out": len(people(held)) if rows else 0,
                "temperature": round(scale, 3),
                "promised": found.sentence,
                **({"at other risks": _offers(answers)} if rows else {}),
            },
        )

    inputs = {
        "train": trained,
        "dataset": made,
        "cross_fit": parts,
        "risk": spec.risk,
        "calibrator": CALIBRATOR,
        **({"by label": True} if spec.risk_by_label else {}),
    }
    return build.stage("calibrate", inputs, work)


def _shown(answers: Certainty, risk: float, by_label: bool) -> calibration.Thresholds:
    """What can be promised at a risk."""
    sure, right, labels, texts = answers
    if not len(sure):
        return calibration.Thresholds(None)
    if by_label:
        return calibration.by_label(sure, right, labels, risk, texts=texts)
    return calibration.Thresholds(calibration.threshold(sure, right, risk, texts=texts))


def _offers(answers: Certainty) -> str:
    """What could be promised, by risk, for who is to state one in the spec: 10 %: nothing, 20 %: the surest 64 %."""
    found = {risk: _shown(answers, risk, by_label=False).common for risk in OFFERED}
    said = {risk: f"the surest {100 * one.coverage:.0f} %" if one else "nothing" for risk, one in found.items()}
    return ", ".join(f"{100 * risk:g} %: {share}" for risk, share in said.items())


def _plain(answers: Certainty) -> dict[str, Any]:
    """The same as JSON."""
    told = {
        "sure": [float(one) for one in answers.confidence],
        "right": [bool(one) for one in answers.right],
        "labels": list(answers.labels),
    }
    return told if answers.texts is None else told | {"texts": list(answers.texts)}
