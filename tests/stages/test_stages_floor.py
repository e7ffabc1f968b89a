"""An int8 export that answers otherwise than torch is not what is published; no export that does is."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

import zoo
from factory import spec as specs
from factory.errors import FactoryError
from factory.evidence.records import Export, read_evidence
from factory.files import read_json, write_json
from factory.publish.package import CARD
from factory.row import Lineage, Row
from factory.stages import Build
from factory.stages.classifying import Classifying
from factory.stages.model import CALIBRATION, calibrate
from factory.stages.student import Logits
from factory.students.export import FP32, INT8
from factory.students.training import Recipe
from tests.conftest import NAME, Factory

RECIPE = Recipe("encoder", ("sad", "glad"), max_tokens=8)
HELD = [Row(text=f"note {n}", label="glad", origin="reviewed", lineage=Lineage(spec="test/mood#0")) for n in range(20)]


class Says(Classifying):
    """`glad` of all rows, but an export of the given name `sad` of the first few."""

    def __init__(self, export: str, wrong: int) -> None:
        self.export, self.wrong = export, wrong

    def logits(self, folder: Path, recipe: Recipe, texts: Sequence[str], export: Path | None = None) -> Logits:
        glad = np.tile(np.array([0.0, 2.0], np.float32), (len(texts), 1, 1))
        if export == folder / self.export:
            glad[: self.wrong] = [3.0, 0.0]
        return list(glad)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_json(tmp_path / "training.json", {"epochs": [{"train": 0.3, "held_out": 0.4}]})
    for name in (FP32, INT8):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("model")
    return tmp_path


@pytest.mark.parametrize(("wrong", "weights"), [(2, "int8"), (3, "fp32")])
def test_below_the_floor_int8_is_removed_and_fp32_calibrated(folder: Path, wrong: int, weights: str) -> None:
    calibrate(Says(INT8, wrong), folder, HELD, RECIPE, 0.5)
    found, summary = read_json(folder / CALIBRATION), read_json(folder / "summary.json")
    assert (found["weights"], summary["published weights"]) == (weights, weights)
    assert found["parity"][INT8]["same_label"] == summary["int8 answers as torch does"] == 1 - wrong / 20
    assert (folder / INT8).exists() == (weights == "int8") and (folder / FP32).exists()
    assert (found["temperature"] < 1) == (weights == "fp32")  # all of its answers are right, so it may be surer


def test_an_fp32_export_that_answers_otherwise_ends_the_build(folder: Path) -> None:
    with pytest.raises(FactoryError, match="differently from torch"):
        calibrate(Says(FP32, 1), folder, HELD, RECIPE, 0.5)
    assert not (folder / CALIBRATION).exists()


@pytest.mark.real
def test_a_whole_build_then_publishes_fp32_and_says_why(
    built: Factory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(built.home, tmp_path / "home")
    where = built.elsewhere(tmp_path / "home").settings
    monkeypatch.setattr("factory.stages.model.FLOOR", 1.01)  # no export is that good
    with Build(specs.load(NAME, built.prompts), "quick", where) as build:
        assert not build.run("evaluate").reused
        build.run("publish")
        measured = build.run("evaluate").path
    specialist = zoo.load(NAME, hub=tmp_path / "home" / "hub")
    assert (specialist.version, specialist.weights) == ("1.0.1", "onnx/model.onnx")
    evidence = read_evidence(measured / "evidence.jsonl")
    (told,) = (one for one in evidence if isinstance(one, Export))
    assert told.published == "fp32" and told.agreement < told.floor and "fp32 is published" in told.sentence
    assert "student:int8" not in {one.who for one in evidence if one is not told}
    assert (measured / "predictions" / "student_fp32.jsonl").exists()
    for text in ((measured / "report.md").read_text(), (specialist.folder / CARD).read_text()):
        assert told.sentence in text
