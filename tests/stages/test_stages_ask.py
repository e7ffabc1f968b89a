"""A larger model is to be asked by the prompt that the teacher answered better, whichever that is."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from factory import settings
from factory import spec as specs
from factory.files import digest, write_json
from factory.generate import judge, pipeline
from factory.publish.ask import told
from factory.stage import Output
from factory.stages import Build, measure, model
from factory.teacher.chat import Request
from tests import shop

NAMED, POLICY = False, True


@pytest.fixture
def build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Build:
    """A build that lacks `zero_shot` and `evaluate` alone; its teacher answers by file, so nobody takes its time."""
    for name in ("HOME", "PROMPTS", "GOLD", "SEED", "TEACHER_BATCH"):
        monkeypatch.setenv(f"FACTORY_{name}", str(tmp_path / name.lower()))
    shop.make_specialist(tmp_path / "prompts" / "test" / "shop", tmp_path / "gold", {})
    made = Build(specs.load("test/shop", tmp_path / "prompts"), "quick", settings.load())
    for stage in ("dataset", "train", "calibrate", "reviewed_only", "few_shot"):
        made._outputs[stage] = Output(stage, "0" * 16, tmp_path / stage, reused=True)
    write_json(tmp_path / "train" / model.EXPORTS, {"weights": "int8"})
    write_json(tmp_path / "calibrate" / model.CALIBRATION, {"temperature": 1.0, "threshold": 0.5})
    monkeypatch.setattr(model, "open_version", lambda folder: SimpleNamespace(version="d-000000000000"))
    return made


def teach(monkeypatch: pytest.MonkeyPatch, build: Build, *known: bool) -> None:
    """A teacher that can answer these prompts, and gives the others the first label."""

    def ask(name: str, requests: Sequence[Request], *rest: Any) -> list[Any]:
        texts = [row.text for row in build.gold]
        good = {str(judge.question(build.spec, text, policy).messages): text for policy in known for text in texts}
        said = [good.get(str(request.messages)) for request in requests]
        return [SimpleNamespace(text="parcel" if text is None else shop.label_of(text)) for text in said]

    monkeypatch.setattr(pipeline, "ask", ask)


def inputs_of_evaluate(monkeypatch: pytest.MonkeyPatch, build: Build) -> dict[str, Any]:
    """What the key of the stage is made of; it is not run."""
    build.run("zero_shot")
    kept: list[dict[str, Any]] = []
    monkeypatch.setattr(build, "stage", lambda name, inputs, work: kept.append(inputs))
    measure.evaluate(build)
    return kept[0]


@pytest.mark.parametrize(("known", "better"), [((NAMED,), NAMED), ((POLICY,), POLICY), ((NAMED, POLICY), NAMED)])
def test_the_better_of_the_two_prompts_is_sealed(
    build: Build, monkeypatch: pytest.MonkeyPatch, known: tuple[bool, ...], better: bool
) -> None:
    teach(monkeypatch, build, *known)
    assert model.trained(build).ask == told(lambda text: judge.question(build.spec, text, better)) != ""


@pytest.mark.parametrize("known", [NAMED, POLICY])
def test_another_prompt_makes_another_version(build: Build, monkeypatch: pytest.MonkeyPatch, known: bool) -> None:
    teach(monkeypatch, build, known)
    sealed = told(lambda text: judge.question(build.spec, text, known))
    assert inputs_of_evaluate(monkeypatch, build)["ask"] == digest(sealed)
