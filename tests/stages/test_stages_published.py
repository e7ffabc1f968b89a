"""A student that is clearly worse than what is published stays at home, unless a person insists."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import pytest

import zoo
from factory.evidence.predictions import read_predictions
from factory.evidence.records import GateLine, read_evidence
from factory.files import read_json
from factory.publish.package import CARD, CHANGELOG, EVIDENCE
from tests.conftest import NAME, Factory

pytestmark = pytest.mark.real


def test_a_student_clearly_worse_than_the_published_one(built: Factory, tmp_path: Path) -> None:
    shutil.copytree(built.home, tmp_path / "home")
    there = dataclasses.replace(built, home=tmp_path / "home", prompts=tmp_path / "prompts")
    hasty = {"encoder": str(there.encoder), "lora_rank": 2, "max_tokens": 8}  # it reads the polite beginnings alone
    there.specialist(NAME, student=hasty, gate=[{"at_least": 0.0}])
    shelf = there.home / "hub" / NAME

    refused = there.run("build", NAME)
    assert refused.returncode == 3, refused.stdout
    assert "write (was there)" in refused.stdout  # another recipe and another gate ask for the same rows
    assert f"{NAME} does not stand up to its published version" in refused.stdout
    assert "of version 1.0.0: -" in refused.stdout and "clearly worse, on the same 60 rows" in refused.stdout
    assert "--force publishes" in refused.stdout and "Traceback" not in refused.stdout
    assert [path.name for path in shelf.glob("[!.]*")] == ["1.0.0"]

    forced = there.run("build", NAME, "--force")
    assert forced.returncode == 0, forced.stdout
    specialist = zoo.load(NAME, hub=there.home / "hub")
    assert specialist.version != "1.0.0" and specialist.manifest.forced
    assert "Published by force" in (specialist.folder / CARD).read_text()
    told = (specialist.folder / CHANGELOG).read_text()
    assert f"## {specialist.version} (" in told and "after 1.0.0\n" in told and told.endswith("The first version.\n")
    assert "Of 60 gold rows that both answered" in told and "are wrong now" in told and "paired |" in told
    assert not [row.text for row in built.gold_rows() if row.text in told]
    lines = [one for one in read_evidence(specialist.folder / EVIDENCE) if isinstance(one, GateLine)]
    assert [(line.requirement, line.passed) for line in lines] == [
        ("accuracy at least 0.0 %", True),
        ("accuracy not clearly below version 1.0.0", False),
    ]
    (stage,) = (
        one for one in (there.home / "builds" / NAME / "publish").glob("[!.]*") if (one / "published.jsonl").exists()
    )
    assert read_json(stage / "summary.json")["forced"] is True
    said = read_predictions(built.stage("evaluate") / "predictions" / f"student_{built.weights}.jsonl")
    assert read_predictions(stage / "published.jsonl").predicted == said.predicted  # as it was measured then

    (stage / "inputs.json").unlink()  # killed after publishing, before the stage was done
    stage.rename(stage.with_name(f".{stage.name}.part"))
    again = there.run("build", NAME, "--force")
    assert again.returncode == 0, again.stdout
    assert sorted(path.name for path in shelf.glob("[!.]*")) == sorted(["1.0.0", specialist.version])
