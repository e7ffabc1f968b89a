"""What a card tells where a spec asks for it: the luck of a training, and answers to the same texts about others."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

import zoo
from factory import spec as specs
from factory.evidence.records import Counterfactual, Record, Robustness, Seeds, Training, read_evidence
from factory.evidence.robustness import REWORDED
from factory.files import read_json
from factory.publish.package import CARD
from factory.stages import Build, measure
from factory.students.took import TOOK
from tests.conftest import NAME, Factory

pytestmark = pytest.mark.real


def test_seeds_probes_and_what_training_took_are_told(built: Factory, tmp_path: Path) -> None:
    shutil.copytree(built.home, tmp_path / "home", ignore=shutil.ignore_patterns("hub"))
    shutil.copytree(built.prompts / NAME, tmp_path / "prompts" / NAME)
    file = tmp_path / "prompts" / NAME / "spec.yaml"
    said = yaml.safe_load(file.read_text())
    said["student"] |= {"seeds": 3}
    said["probes"] = {"gender": {"men": ["husband", "son"], "women": ["wife", "daughter"]}}
    said["paraphrases"] = 20
    file.write_text(yaml.safe_dump(said, sort_keys=False))
    where = replace(built.elsewhere(tmp_path / "home").settings, trainers=2)
    with Build(specs.load(NAME, tmp_path / "prompts"), "quick", where) as build:
        assert build.run("dataset").reused  # nothing of this makes data anew
        build.run("publish")
        measured, trained = (build.run(stage).path for stage in ("evaluate", "train"))
    evidence = read_evidence(measured / "evidence.jsonl")
    (seeds,) = (one for one in evidence if isinstance(one, Seeds))
    assert (seeds.seeds, len(seeds.values)) == ((13, 14, 15), 3) and seeds.sd >= 0
    accuracy = {one.who: one.value for one in evidence if isinstance(one, Record) and one.metric == "accuracy"}
    assert seeds.values[0] == pytest.approx(accuracy["student:fp32"], abs=0.02)
    (kept,) = (tmp_path / "home" / "builds" / NAME / "reseeded").glob("[!.]*")
    files = {str(one.relative_to(kept)) for one in kept.glob("seed-*/*")}
    assert files == {"seed-14/predictions.jsonl", "seed-15/predictions.jsonl"}
    (worded,) = (one for one in evidence if isinstance(one, Robustness) and one.perturbation == REWORDED)
    assert (worded.n, worded.sample) == (20, "those of 20 that could be said in other words")
    assert worded.difference == pytest.approx(worded.value - worded.untouched) and "nobody checked" in worded.how
    (probe,) = (one for one in evidence if isinstance(one, Counterfactual))
    assert (probe.group, probe.beside) == ("women", "men") and probe.n > 0 and probe.changed is not None
    (took,) = (one for one in evidence if isinstance(one, Training))
    assert took.seconds == read_json(trained / TOOK)["seconds"] and took.threads == 2
    card = (zoo.load(NAME, hub=tmp_path / "home" / "hub").folder / CARD).read_text()
    for told in ("Trained 3 times alike but for the seed", "In other words (by ", "| gender | women |", "Training on "):
        assert told in card and told in (measured / "report.md").read_text(), told


def test_what_only_measures_makes_no_student_anew_and_other_epochs_no_data(built: Factory, tmp_path: Path) -> None:
    shutil.copytree(built.home, tmp_path / "home", ignore=shutil.ignore_patterns("hub"))
    shutil.copytree(built.prompts / NAME, tmp_path / "prompts" / NAME)
    file = tmp_path / "prompts" / NAME / "spec.yaml"
    said = yaml.safe_load(file.read_text())
    where = built.elsewhere(tmp_path / "home").settings
    said["budgets"]["quick"] |= {"measure_teacher": 20}
    file.write_text(yaml.safe_dump(said, sort_keys=False))
    with Build(specs.load(NAME, tmp_path / "prompts"), "quick", where) as build:
        assert all(build.run(stage).reused for stage in ("dataset", "train", "calibrate", "reviewed_only"))
        assert not build.run("zero_shot").reused and build.summary("zero_shot")["rows"] == 20
    said["budgets"]["quick"] |= {"epochs": said["budgets"]["quick"]["epochs"] + 1}
    file.write_text(yaml.safe_dump(said, sort_keys=False))
    with Build(specs.load(NAME, tmp_path / "prompts"), "quick", where) as build:
        assert build.run("dataset").reused and not build.run("train").reused


@pytest.mark.parametrize(
    ("kind", "language", "more"),
    [
        ("classification", "de", set()),
        ("extraction", "de", set()),
        ("spans", "en", {"examiner of spans"}),
        ("generation", "en", set()),
        ("generation", "de", {"language"}),
    ],
)
def test_what_only_some_figures_depend_on_measures_no_others_again(kind: str, language: str, more: set[str]) -> None:
    assert set(measure._by_kind(SimpleNamespace(kind=kind, language=language))) == more  # type: ignore[arg-type]
