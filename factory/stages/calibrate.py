"""How sure a trained student may be: its temperature, and the threshold for the spec's risk.

People's rows that it has not learned tell that. Those held out are few where people's rows are few, and a promise takes
many. So the rows that people answered are also cut into parts, and for each the student is trained anew on all others
(cross-fitting): what it then says of the part counts as what the published student would say of new rows. It has
learned a little less than that one, so it errs, if anything, more often. The same held-out rows choose its epoch.

Where a committee labelled real texts it had learned all of people's rows, those held out, too, and who learns from
these texts knows of them: nobody is left to tell, and nothing is promised.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from factory.dataset.split import folds, group
from factory.dataset.version import open_version
from factory.evidence import calibration
from factory.files import read_json, write_json
from factory.row import Row
from factory.stage import Output
from factory.stages import model
from factory.stages.build import SUMMARY, Build

CALIBRATOR = 3
"""The version of how it is done."""
ENOUGH = 300
"""Where so many of people's rows are held out, nothing is trained anew."""
FEW = 100
"""With fewer of people's rows all held-out ones say what the temperature is."""
ANSWERS = "answers.json"


def calibrate(build: Build) -> Output:
    """Temperature and threshold, calibration.json; and the answers they rest on, answers.json."""
    made, trained = build.run("dataset"), build.run("train")
    student, spec = model.student_of(build), build.spec.student
    count = student.folds if spec.folds is None else spec.folds

    def work(out: Path) -> None:
        recipe, version = model.recipe_of(build), open_version(made.path)
        weights = read_json(trained.path / model.EXPORTS)["weights"]
        held = version.rows("held_out")
        rows = [row for row in held if row.origin == "reviewed"]
        said = list(student.says(trained.path, recipe, rows, weights))
        apart = len(rows)
        learned = version.rows("train")
        echoed = student.committee and any(row.origin == "unlabelled" for row in learned)
        parts = [] if echoed or apart >= ENOUGH else folds(_learned(learned), count)
        for number, part in enumerate(parts if len(parts) > 1 else [], 1):
            rows += part
            said += _anew(build, part, weights, out / f"part-{number}", f"part {number} of {len(parts)}")
        told = (rows, said) if len(rows) >= FEW else (held, student.says(trained.path, recipe, held, weights))
        scale = student.temperature(trained.path, recipe, *told)
        sure, right = student.certainty(trained.path, recipe, rows, said, scale) if rows else ((), ())
        bound = calibration.threshold(sure, right, spec.risk) if len(sure) and not echoed else None
        write_json(
            out / model.CALIBRATION,
            {"temperature": round(scale, 4), "threshold": round(bound.confidence, 4) if bound else None},
        )
        write_json(out / ANSWERS, {"sure": [float(one) for one in sure], "right": [bool(one) for one in right]})
        write_json(
            out / SUMMARY,
            {
                "people's rows": len(rows),
                "of these held out": apart,
                "temperature": round(scale, 3),
                "promised": bound.sentence if bound else "nothing",
            },
        )
        for folder in out.glob("part-*"):
            shutil.rmtree(folder)

    inputs = {"train": trained, "dataset": made, "folds": count, "risk": spec.risk, "calibrator": CALIBRATOR}
    return build.stage("calibrate", inputs, work)


def _learned(rows: Sequence[Row]) -> list[Row]:
    """People's rows that were trained on; what production picked is no sample of what comes (factory.dataset.split)."""
    return [row for row in rows if row.origin == "reviewed" and not row.picked]


def _anew(build: Build, part: Sequence[Row], weights: str, out: Path, name: str) -> Sequence[Any]:
    """What the student says of people's rows when it is trained, as the published one, on all rows but these."""
    file, folder, student = out / "said.json", out / "model", model.student_of(build)
    if not file.exists():
        version, away = open_version(build.run("dataset").path), {group(row) for row in part}
        others = [row for row in version.rows("train") if group(row) not in away]
        held = model.choosing(version.rows("held_out"), build.spec.student)
        recipe = model.kept(build)
        if not (folder / "training.json").exists():
            model.fit(build, others, held, recipe, folder, f"calibrate, {name}")
        student.export(folder, recipe)
        write_json(file, student.says(folder, recipe, part, weights))
        shutil.rmtree(folder)
    said: Sequence[Any] = read_json(file)
    return said
