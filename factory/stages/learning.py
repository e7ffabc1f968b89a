"""How a student learned, as evidence: what training.json and ladder.json say of rows held out of its training."""

from __future__ import annotations

from dataclasses import asdict

from factory.dataset.version import open_version
from factory.evidence.circumstances import Circumstances
from factory.evidence.records import Learned, Rung, rows_hash
from factory.stages import model
from factory.stages.build import Build
from factory.students import ladder


def records(build: Build, circumstances: Circumstances) -> list[Learned | Rung]:
    """Every epoch of the published student (or every head of a frozen one), then every way of training tried."""
    folder, student = build.run("train").path, model.student_of(build)
    held = open_version(build.run("dataset").path).rows("held_out")
    common = {
        "who": model.trained(build).who,
        "what": f"{build.base_identity}, {model.WAYS[model.method_of(folder)]}",
        "rows": rows_hash((row.id, row.decision) for row in held),
        "n": len(held),
        "sample": "held out of training",
        "figure": student.lesson.figure,
        **vars(circumstances),
    }
    history, kept = model.learned(folder)
    steps = [
        Learned(
            **common,
            by="penalty" if "penalty" in one else "epoch",
            at=one.get("penalty", place + 1),
            held_out=one["held_out"],
            trained=one.get("train"),
            kept=place == kept,
        )
        for place, one in enumerate(history)
    ]
    return [*steps, *(Rung(**common, **asdict(one)) for one in ladder.rungs(folder))]
