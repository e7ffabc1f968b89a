"""The teacher as an opponent is asked by two prompts, and by the better, whichever that is, a larger model later."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from factory import settings
from factory import spec as specs
from factory.evidence.predictions import read_predictions
from factory.evidence.sample import sample
from factory.files import digest, write_json
from factory.generate import judge, pipeline
from factory.publish.ask import told
from factory.stage import Output
from factory.stages import Build, measure, model, prompted
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


def awake(monkeypatch: pytest.MonkeyPatch, build: Build) -> None:
    """Its teacher answers at an address, and nobody takes its time."""
    build.settings = replace(build.settings, teacher_batch=None)
    monkeypatch.setattr(prompted.judging, "seconds", lambda requests, endpoint, file: write_json(file, [0.1]))
    monkeypatch.setattr(Build, "_reach", lambda build, name: None)
    monkeypatch.setattr(Build, "_identity", lambda build, name: name)


def asked_of(monkeypatch: pytest.MonkeyPatch, build: Build, tried: int, *known: bool) -> Counter[tuple[bool, str]]:
    """How often a teacher that can answer these prompts is asked about a gold text, by each; kept replies count."""
    teach(monkeypatch, build, *known)
    answered, asked = pipeline.ask, Counter[tuple[bool, str]]()
    every = [(prompt, row.text) for prompt in (NAMED, POLICY) for row in build.gold]
    of = {str(judge.question(build.spec, text, prompt).messages): (prompt, text) for prompt, text in every}

    def ask(name: str, requests: Sequence[Request], *rest: Any) -> list[Any]:
        asked.update(of[str(request.messages)] for request in requests)
        return answered(name, requests, *rest)

    monkeypatch.setattr(pipeline, "ask", ask)
    monkeypatch.setattr(prompted, "TRIED", tried)
    build.run("zero_shot")
    return asked


@pytest.mark.parametrize("known", [NAMED, POLICY])
def test_a_prompt_that_is_clearly_behind_is_asked_no_more(
    build: Build, monkeypatch: pytest.MonkeyPatch, known: bool
) -> None:
    awake(monkeypatch, build)
    asked = asked_of(monkeypatch, build, 20, known)
    assert {text for prompt, text in asked if prompt == known} == {row.text for row in build.gold}
    assert {text for prompt, text in asked if prompt != known} == {row.text for row in sample(build.gold, 20)}
    folder = build.run("zero_shot").path
    better, weaker = read_predictions(folder / model.BETTER), read_predictions(folder / prompted.WEAKER)
    assert (better.who, better.sample, len(better.items)) == ("teacher", "all", 60)
    assert (weaker.who, weaker.sample) == ("teacher:weaker prompt", "stratified 20 of 60, seed 13")
    assert [item.id for item in weaker.items] == [row.id for row in sample(build.gold, 20)]
    assert build.summary("zero_shot")["rows"] == 60


def test_two_prompts_of_which_neither_is_clearly_behind_are_asked_to_the_end(
    build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    awake(monkeypatch, build)
    asked = asked_of(monkeypatch, build, 20, NAMED, POLICY)
    assert set(asked) == {(prompt, row.text) for prompt in (NAMED, POLICY) for row in build.gold}


def test_who_answers_by_file_is_asked_in_one_round(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = asked_of(monkeypatch, build, 20, POLICY)
    assert asked == Counter({(prompt, row.text): 1 for prompt in (NAMED, POLICY) for row in build.gold})
