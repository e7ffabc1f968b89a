"""An int8 export that answers otherwise than torch is not what is published; no export that does is."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

import zoo
from factory import spec as specs
from factory.errors import FactoryError
from factory.evidence.records import Export, read_evidence
from factory.publish.package import CARD
from factory.row import Lineage, Row
from factory.stages import Build
from factory.stages.classifying import Classifying
from factory.stages.scoring import Logits
from factory.students.export import FP32, INT8
from factory.students.lesson import Recipe
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


@pytest.mark.parametrize(("wrong", "weights"), [(2, "int8"), (3, "fp32")])
def test_below_the_floor_fp32_is_published_and_calibrated(tmp_path: Path, wrong: int, weights: str) -> None:
    student = Says(INT8, wrong)
    parity = student.compare(tmp_path, HELD, RECIPE)
    assert student.published(parity, tmp_path) == weights
    assert student.agreement(parity) == parity[INT8]["same_label"] == 1 - wrong / 20
    scale = student.temperature(tmp_path, RECIPE, HELD, student.says(tmp_path, RECIPE, HELD, weights))
    assert (scale < 1) == (weights == "fp32")  # all of its answers are right, so it may be surer


def test_an_fp32_export_that_answers_otherwise_ends_the_build(tmp_path: Path) -> None:
    student = Says(FP32, 1)
    with pytest.raises(FactoryError, match="differently from torch"):
        student.published(student.compare(tmp_path, HELD, RECIPE), tmp_path)


@pytest.mark.real
def test_a_whole_build_then_publishes_fp32_and_says_why(
    built: Factory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = built.in_int8(tmp_path / "home").settings
    before = zoo.load(NAME, hub=tmp_path / "home" / "hub")
    assert (before.version, before.weights) == ("1.0.0", "onnx/model_int8.onnx")
    monkeypatch.setattr("factory.stages.classifying.Classifying.floor", 1.01)  # no export is that good
    with Build(specs.load(NAME, built.prompts), "quick", where) as build:
        assert not build.run("evaluate").reused
        build.run("publish")
        measured, trained = (build.run(stage).path for stage in ("evaluate", "train"))
    assert (trained / FP32).exists() and not (trained / INT8).exists()
    specialist = zoo.load(NAME, hub=tmp_path / "home" / "hub")
    assert (specialist.version, specialist.weights) == ("1.0.1", "onnx/model.onnx")
    evidence = read_evidence(measured / "evidence.jsonl")
    (told,) = (one for one in evidence if isinstance(one, Export))
    assert told.published == "fp32" and told.agreement < told.floor and "fp32 is published" in told.sentence
    assert "student:int8" not in {one.who for one in evidence if one is not told}
    assert (measured / "predictions" / "student_fp32.jsonl").exists()
    for text in ((measured / "report.md").read_text(), (specialist.folder / CARD).read_text()):
        assert told.sentence in text
