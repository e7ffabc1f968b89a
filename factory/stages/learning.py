"""How a student learned, as evidence: by rows held out (training.json, ladder.json), and what it took (took.json)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from factory.dataset.version import open_version
from factory.evidence.circumstances import Circumstances
from factory.evidence.prices import Power
from factory.evidence.records import Learned, Rung, Training, rows_hash
from factory.files import read_json
from factory.stages import model
from factory.stages.build import Build
from factory.students import ladder
from factory.students.took import TOOK


def records(build: Build, power: Power | None, circumstances: Circumstances) -> list[Learned | Rung | Training]:
    """Every epoch of the published student (or every head of a frozen one), then every way of training tried, then what
    the way that was kept took, where that is known."""
    folder, student = build.run("train").path, model.student_of(build)
    version = open_version(build.run("dataset").path)
    held = version.rows("held_out")
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
    tried = [Rung(**common, **asdict(one)) for one in ladder.rungs(folder)]
    if not (folder / TOOK).exists():
        return [*steps, *tried]
    learned = version.rows("train")
    own = {"rows": rows_hash((row.id, row.decision) for row in learned), "n": len(learned), "sample": "trained on"}
    told = {key: value for key, value in common.items() if key != "figure"}
    return [*steps, *tried, Training(**{**told, **own}, **_took(read_json(folder / TOOK), len(learned), power))]


def _took(said: Mapping[str, Any], rows: int, power: Power | None) -> dict[str, Any]:
    seconds, threads = said["seconds"], said["threads"]
    basis = "on a GPU" if threads is None else f"{threads} thread{'s' if threads > 1 else ''}, a core each"
    known = power if threads is not None else None
    return {
        "seconds": seconds,
        "seconds_per_1000": round(1000 * seconds / rows, 3),
        "peak_bytes": said["peak_bytes"],
        "threads": threads,
        "watt_hours": known.watt_hours(seconds / 3600 * threads) if known else None,
        "basis": basis + (f"; {known.sentence}" if known else ""),
    }
