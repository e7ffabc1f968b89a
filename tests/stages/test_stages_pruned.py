"""A student of fewer layers is published beside what that cost."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml

import zoo
from factory import spec as specs
from factory.evidence.records import Comparison, Record, read_evidence
from factory.files import read_json
from factory.publish.package import CARD
from factory.stages import Build
from tests import shop, tiny_encoder
from tests.conftest import NAME, Factory

pytestmark = pytest.mark.real


def test_the_card_tells_what_the_layers_left_out_would_have_been_worth(built: Factory, tmp_path: Path) -> None:
    deep = tiny_encoder.make(tmp_path / "deep", shop.every_text(), hidden=128, layers=2)
    shutil.copytree(built.home, tmp_path / "home", ignore=shutil.ignore_patterns("hub"))
    shutil.copytree(built.prompts / NAME, tmp_path / "prompts" / NAME)
    file = tmp_path / "prompts" / NAME / "spec.yaml"
    said = yaml.safe_load(file.read_text())
    said["student"] |= {"base": str(deep), "layers": 1}
    file.write_text(yaml.safe_dump(said, sort_keys=False))
    where = built.elsewhere(tmp_path / "home").settings
    with Build(specs.load(NAME, tmp_path / "prompts"), "quick", where) as build:
        assert build.run("dataset").reused  # another student makes no data anew
        build.run("publish")
        measured, trained = (build.run(stage).path for stage in ("evaluate", "train"))
    (whole,) = (tmp_path / "home" / "builds" / NAME / "unpruned").glob("[!.]*")
    layers = [read_json(folder / "config.json")["num_hidden_layers"] for folder in (trained, whole)]
    assert layers == [1, 2]
    evidence = read_evidence(measured / "evidence.jsonl")
    accuracy = {one.who: one for one in evidence if isinstance(one, Record) and one.metric == "accuracy"}
    assert "without pruning" in accuracy["unpruned"].what
    assert all("layers kept: 1" in one.what for who, one in accuracy.items() if who.startswith("student"))
    against = [one for one in evidence if isinstance(one, Comparison) and one.against == "unpruned"]
    assert {one.metric for one in against} == {"accuracy", "macro_f1"}
    specialist = zoo.load(NAME, hub=tmp_path / "home" / "hub")
    assert "| unpruned |" in (specialist.folder / CARD).read_text()
    assert "Student with all of its layers" in (measured / "report.md").read_text()
