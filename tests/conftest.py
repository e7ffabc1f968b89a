"""A small specialist that can be built in a minute, and one build of it, shared by every test that needs one."""

from __future__ import annotations

import dataclasses
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from factory import settings
from factory import spec as specs
from factory.files import read_json
from factory.row import Gold, read_gold
from factory.settings import CHECKOUT, Settings
from factory.stages import STAGES, Build
from tests import shop, tiny_encoder
from tests.browser import page

__all__ = ["page"]  # fixtures of every test

NAME = "test/shop"
ENTERED = (*STAGES[: STAGES.index("calibrate")], "cross_fit", *STAGES[STAGES.index("calibrate") :])
"""What a build enters in its ledger: its stages, and the one within `calibrate`."""

os.environ.setdefault("OMP_NUM_THREADS", "1")  # torch's threads wait for each other on a busy machine
hypothesis.settings.register_profile("house", deadline=None)  # how fast this machine is today is no finding
hypothesis.settings.load_profile("house")


@dataclasses.dataclass
class Factory:
    """`python -m factory` in a FACTORY_HOME of its own, over a loopback teacher.

    Attributes:
        home: FACTORY_HOME.
        prompts, gold: FACTORY_PROMPTS, FACTORY_GOLD.
        teacher: what it asks.
        encoder: the students' encoder.
    """

    home: Path
    prompts: Path
    gold: Path
    teacher: shop.Teacher
    encoder: Path

    @property
    def variables(self) -> dict[str, str]:
        """The environment variables of such a factory."""
        return {
            "FACTORY_HOME": str(self.home),
            "FACTORY_PROMPTS": str(self.prompts),
            "FACTORY_GOLD": str(self.gold),
            "FACTORY_SEED": str(self.gold),
            "FACTORY_HUB": str(self.home / "hub"),
            "FACTORY_TEACHER_URL": self.teacher.server.url,
            "FACTORY_REVIEW": "jsonl",
            "FACTORY_SIMULATE_REVIEW": "1",
            "OMP_NUM_THREADS": "1",
        }

    @property
    def settings(self) -> Settings:
        """As a command started by `run` finds them."""
        with pytest.MonkeyPatch.context() as patch:
            for name, value in self.variables.items():
                patch.setenv(name, value)
            return settings.load()

    def elsewhere(self, home: Path) -> Factory:
        """The same with another home."""
        return dataclasses.replace(self, home=home)

    def in_int8(self, home: Path) -> Factory:
        """A copy in another home that is published in int8, however a processor rounds so small a model."""
        shutil.copytree(self.home, home, ignore=shutil.ignore_patterns("hub"))
        copy = self.elsewhere(home)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("factory.stages.classifying.Classifying.floor", 0.0)
            with Build(specs.load(NAME, self.prompts), "quick", copy.settings) as build:
                build.run("publish")
        return copy

    def specialist(self, name: str, **changes: Any) -> str:
        """Make a specialist that differs from the usual one in these keys of its spec."""
        student = {"encoder": str(self.encoder), "lora_rank": 2, "learning_rate": 0.02}
        teacher = {"model": "loopback", "rows_per_request": 4, "concurrency": 2}
        shop.make_specialist(self.prompts / name, self.gold, {"student": student, "teacher": teacher, **changes})
        return name

    def start(self, *arguments: str, **variables: str) -> subprocess.Popen[str]:
        """`python -m factory ARGUMENTS`; stderr is part of stdout."""
        return subprocess.Popen(
            [sys.executable, "-m", "factory", *arguments],
            cwd=CHECKOUT,
            env=os.environ | self.variables | variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """The same, to its end."""
        with self.start(*arguments, **variables) as process:
            out, _ = process.communicate(timeout=600)
        return subprocess.CompletedProcess(process.args, process.returncode, out)

    def gold_rows(self) -> list[Gold]:
        """What the specialist is measured on."""
        return read_gold(self.gold / "test" / "shop" / "validation.jsonl", shop.WORDS)

    def stage(self, name: str) -> Path:
        """The folder of the one finished run of a stage."""
        (found,) = (self.home / "builds" / NAME / name).glob("[!.]*")
        return found

    @property
    def weights(self) -> str:
        """Which export of its student is published: int8, unless the processor rounds so small a model to others'
        answers (tests/stages/test_stages_floor.py)."""
        found: str = read_json(self.stage("train") / "exports.json")["weights"]
        return found


@pytest.fixture(scope="session")
def factory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Factory]:
    """A factory with the specialist test/shop, of which nothing is built."""
    base = tmp_path_factory.mktemp("factory")
    encoder = tiny_encoder.make(base / "tiny-encoder", shop.every_text(), hidden=128)
    made = Factory(base / "home", base / "prompts", base / "gold", shop.Teacher(), encoder)
    made.specialist(NAME, gate=[{"better_than": "majority"}, {"at_least": 0.2, "metric": "macro_f1"}])
    yield made
    made.teacher.stop()


@pytest.fixture(scope="session")
def built(factory: Factory) -> Factory:
    """The same after one whole build, whose output is in home/out.txt."""
    ended = factory.run("build", NAME)
    assert ended.returncode == 0, ended.stdout
    (factory.home / "out.txt").write_text(ended.stdout)
    return factory
