"""After real builds: what is removed is missed by no version, no paper, no row's life, and not by the next build."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path
from typing import Any

import pytest

from factory.dataset.version import open_version
from factory.dossier import make, verify
from factory.lineage import trace
from tests.conftest import NAME, Factory

pytestmark = pytest.mark.real


def test_versions_papers_rows_and_the_next_build_miss_nothing(built: Factory, tmp_path: Path) -> None:
    shutil.copytree(built.home, tmp_path / "home")
    for told in ("drift", "refresh"):  # What other tests found out in this home could go, too.
        shutil.rmtree(tmp_path / "home" / told, ignore_errors=True)
    there = dataclasses.replace(built, home=tmp_path / "home", prompts=tmp_path / "prompts")
    _spec(there, generate=40)
    tried = there.run("build", NAME, "--until", "evaluate")
    assert tried.returncode == 0, tried.stdout
    _spec(there, generate=48)
    # Forced: whether so small a student gets better by twelve rows is not what is asked here.
    published = there.run("build", NAME, "--force")
    assert published.returncode == 0, published.stdout
    before, asked = _stages(there), len(there.teacher.asked)

    gone = there.run("prune", "--keep-days", "0", "--yes")
    assert gone.returncode == 0, gone.stdout
    stages = [path.parent.name for path in before - _stages(there)]
    # With what was only tried, the vote of 1.0.0: no row rests on it, and no build asks for it again.
    assert sorted(stages) == sorted([*_made(tried.stdout), "vote"])
    assert f"{NAME}: {len(stages)} that nobody needs" in gone.stdout

    again = there.run("build", NAME, "--force")
    assert again.returncode == 0 and not _made(again.stdout), again.stdout
    assert len(there.teacher.asked) == asked
    where = there.settings
    for version in ("1.0.0", "1.1.0"):
        found = trace.trace(f"{NAME}@{version}", where)
        assert (found.problems, found.not_found, {step.state for step in found.stages}) == ([], [], {"as entered"})
        papers = make.make(f"{NAME}@{version}", where, tmp_path / version)
        assert verify.verify(papers, where).differences == []
        dataset = open_version(there.home / "hub" / "datasets" / NAME / found.made_from["dataset"])
        told = there.run("explain", dataset.rows("train")[0].id)
        assert told.returncode == 0 and "What the checks said" in told.stdout
    proved = there.run("ledger", NAME, "--verify")
    assert proved.returncode == 0 and "was cleaned up: its folder is gone." in proved.stdout, proved.stdout


def _spec(there: Factory, **budget: Any) -> None:
    """The usual specialist with another budget, so that it is other data."""
    whole = {"generate": 36, "label": 12, "judge": 30, "review": 30, "measure_teacher": 0, "epochs": 3, **budget}
    shutil.rmtree(there.prompts / NAME, ignore_errors=True)
    gate = [{"better_than": "majority"}, {"at_least": 0.2, "metric": "macro_f1"}]
    there.specialist(NAME, gate=gate, budgets={"quick": whole, "full": whole})


def _stages(there: Factory) -> set[Path]:
    return set((there.home / "builds" / NAME).glob("[!.]*/[!.]*"))


def _made(said: str) -> list[str]:
    """The stages that a build made, from what it printed, and what comes with two of them."""
    named = [line.split(":")[0] for line in said.splitlines() if line[:1].isalpha() and ": /" in line]
    made = [name for name in named if "(was there)" not in name]
    within = {"review": "vote", "calibrate": "cross_fit"}
    return [*made, *(within[name] for name in made if name in within)]
