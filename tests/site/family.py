"""A made-up family: specialists whose papers are real and whose weights are a few bytes, in a folder hub."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from factory import settings
from factory import spec as specs
from factory.evidence.predictions import Prediction, Predictions, write_predictions
from factory.evidence.records import (
    AnyEvidence,
    Comparison,
    Cost,
    Coverage,
    Footprint,
    GateLine,
    Learned,
    Promise,
    Record,
    Reliability,
    Speed,
    write_evidence,
)
from factory.files import write_json, write_jsonl
from factory.lineage import ledger
from factory.settings import Settings
from factory.stage import Output
from zoo.manifest import TOKENIZER, WEIGHTS, Manifest, describe_files

NAME = "test/mood"
WHO = "student:int8"
SPEC = """
title: Mood of a note
purpose: Tell whether a note is glad or sad.
not_for: [Judging people.]
kind: classification
text: a short note
question: How does the writer feel?
labels: {sad: The writer is sad., glad: The writer is glad.}
attributes:
  tone: [plain, loud]
gold: test/mood
budgets:
  quick: {generate: 10, label: 10, review: 5}
  full: {generate: 10, label: 10, review: 5}
"""
CARD = """---
license: mit
---

# Mood of a note: {id}

Tell whether a note is glad or <b>sad</b>.

## Figures

| who | accuracy |
|---|---|
| student | 0.9 |

```python
import zoo
```
"""


def evidence(value: float = 0.9, rows: str = "ab" * 32, against: str = "") -> list[AnyEvidence]:
    """Records of every kind that the site draws; `against` a version, with a paired difference of 0.02."""
    own: dict[str, Any] = {"who": WHO, "rows": rows, "n": 1000}
    teacher: dict[str, Any] = {**own, "who": "teacher", "n": 200, "sample": "a sample"}
    found: list[AnyEvidence] = [
        Record(**own, metric="accuracy", value=value, low=value - 0.02, high=value + 0.02),
        Record(**own, metric="ece", value=0.03),
        Record(**teacher, metric="accuracy", value=0.6, low=0.53, high=0.67),
        *(
            Coverage(
                **own, coverage=share, threshold=1 - share / 2, accepted=int(1000 * share), risk=share / 10,
                low=share / 20, high=share / 5,
            )
            for share in (1.0, 0.5)
        ),
        *(
            Reliability(**own, bin=n, count=500, confidence=n / 3, right=n / 3, low=n / 4, high=n / 2)
            for n in (1, 2)
        ),
        *(
            Learned(**own, figure="held-out loss", by="epoch", at=n, held_out=1 / n, kept=n == 2)
            for n in (1, 2)
        ),
        Promise(
            **own, risk=0.1, threshold=0.6, answers=1000, accepted=700, coverage=0.7, error=0.05, verdict="kept",
            sentence="The promise was kept.",
        ),
        Speed(**own, batch=1, p50_ms=4.0, p95_ms=5.0, rows_per_second=240.0),
        Footprint(**own, disk_bytes=23_400_000, peak_bytes=171_250_000, load_seconds=0.75),
        Cost(**own, core_hours=1.25, price=None, currency="EUR", watt_hours=6.9, basis="one thread"),
        Cost(**teacher, core_hours=400.0, price=None, currency="EUR", basis="two cores"),
        GateLine(**own, requirement="accuracy better than teacher", passed=True, sentence="30 points."),
    ]  # fmt: skip
    if against:
        found.append(
            Comparison(
                **own, against=f"version {against}", metric="accuracy", value=value, other=value - 0.02,
                difference=0.02, low=0.005, high=0.035,
            )
        )  # fmt: skip
    return found


def publish(
    where: Settings, version: str, records: Sequence[AnyEvidence] | None = None, name: str = NAME, **manifest: Any
) -> Path:
    """Put a version into the hub; returns its folder."""
    folder = Path(where.hub) / name / version
    for path, data in {TOKENIZER: b"{}", WEIGHTS["int8"]: version.encode()}.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    (folder / "README.md").write_text(CARD.format(id=f"{name}@{version}"))
    write_evidence(folder / "evidence.jsonl", evidence() if records is None else records)
    made = Manifest(
        name=name,
        version=version,
        title="Mood of a note",
        language="en",
        labels=("sad", "glad"),
        max_tokens=16,
        licence="mit",
        created="2026-01-02T03:04:05+00:00",
        lineage={"dataset": "d-000000000001", "teacher": "teacher-1"},
        files=describe_files(folder),
    )
    replace(made, **manifest).write(folder)
    return folder


def built(where: Settings, version: str, before: Sequence[str], after: Sequence[str], gold: Sequence[str]) -> None:
    """The stages `evaluate` and `publish` of a version: what it answers, and what the one before it did."""
    root = where.builds / NAME
    folders = {stage: root / stage / (key * 16) for stage, key in (("evaluate", "a"), ("publish", "b"))}
    answers = {
        folders["publish"] / "published.jsonl": ("version 1.0.0", before),
        folders["evaluate"] / "predictions" / "student_int8.jsonl": (WHO, after),
    }
    for path, (who, said) in answers.items():
        items = tuple(
            Prediction(id=f"row-{n}", gold=one, predicted=answer)
            for n, (one, answer) in enumerate(zip(gold, said, strict=True))
        )
        write_predictions(path, Predictions(who=who, items=items))
    write_json(folders["evaluate"] / "inputs.json", {})
    write_json(folders["evaluate"] / "summary.json", {"gate passed": True, "gold rows": len(gold)})
    write_json(folders["publish"] / "inputs.json", {"evaluate": f"evaluate:{'a' * 16}"})
    write_json(folders["publish"] / "summary.json", {"version": version})
    for stage, folder in folders.items():
        ledger.enter(root, Output(stage, folder.name, folder, reused=False))
    write_jsonl(
        where.gold / NAME / "validation.jsonl",
        [{"id": f"row-{n}", "text": f"note <{n}>", "label": one} for n, one in enumerate(gold)],
    )


def waits(
    where: Settings, name: str = "test/tags", place: str = "http://127.0.0.1:6900/dataset/1", **values: Any
) -> Path:
    """A review that is waited for."""
    path = where.home / "waiting" / name / "quick.json"
    given = {"spec": name, "budget": "quick", "rows": {"r1": 1, "r2": 1}, "since": "2026-01-02T03:04:05+00:00"}
    write_json(path, {**given, "where": place, "answered": 1, **values})
    return path


def declared(where: Settings) -> specs.Spec:
    """The specialist's spec, where the site looks for it."""
    folder = where.prompts / NAME
    folder.mkdir(parents=True)
    (folder / "spec.yaml").write_text(SPEC)
    for name in specs.COMPANIONS:
        (folder / name).write_text(f"{name} of mood\n")
    return specs.load(NAME, where.prompts)


def settings_in(folder: Path) -> Settings:
    """Settings of which nothing is outside a folder."""
    places = {name: folder / name for name in ("home", "prompts", "gold", "seed")}
    return replace(settings.load(), **places, hub=str(folder / "hub"), hub_token="")
