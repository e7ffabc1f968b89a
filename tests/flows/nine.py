"""`make soak`: every specialist there is, from its folder in prompts/ to a dossier that is verified.

One home for all of them and no loopback: vLLM on the packaged teacher, the spec's own prompts, hygiene and student,
people's rows from FACTORY_GOLD, Prefect. Only the numbers are small (SMALL, GOLD), so what comes out is no good: the
gate is overruled (`--force`), and the card says so. Three of them took 12 to 21 minutes each on two cores, with
more rows and beside other work; `-k legal/fields` asks for one alone.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

import zoo
from factory import settings
from factory import spec as specs
from factory.generate.seed import unlabelled
from factory.publish.hub import open_hub
from factory.services.process import free_port
from factory.settings import CHECKOUT, Settings
from zoo.yanked import given

SMALL = {"generate": 24, "label": 24, "judge": 24, "review": 40, "measure_teacher": 12, "epochs": 1}
GOLD = 40
"""Human-labelled rows of each file."""
PORTS = ("TEACHER", "ARGILLA", "PREFECT", "WATCH")
USUAL = settings.load()


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Settings, dict[str, str]]]:
    """Settings of a home for all, and the environment of commands there."""
    base = tmp_path_factory.mktemp("nine")
    USUAL.weights.mkdir(parents=True, exist_ok=True)
    (base / "home").mkdir()
    (base / "home" / "weights").symlink_to(USUAL.weights)
    shutil.copytree(USUAL.prompts, base / "prompts")
    for name in specs.names(USUAL.prompts):
        file = base / "prompts" / name / "spec.yaml"
        declared = yaml.safe_load(file.read_text())
        declared["budgets"] = dict.fromkeys(declared["budgets"], SMALL)
        file.write_text(yaml.safe_dump(declared, sort_keys=False, allow_unicode=True))
        (base / "gold" / name).mkdir(parents=True)
        for kept in (USUAL.gold / name).glob("*.jsonl"):
            lines = kept.read_text().splitlines(keepends=True)
            (base / "gold" / name / kept.name).write_text("".join(lines[:: max(1, len(lines) // GOLD)][:GOLD]))
    variables = {
        "FACTORY_HOME": str(base / "home"),
        "FACTORY_HUB": str(base / "home" / "hub"),
        "FACTORY_PROMPTS": str(base / "prompts"),
        "FACTORY_GOLD": str(base / "gold"),
        "FACTORY_REVIEW": "jsonl",
        **{f"FACTORY_{name}_PORT": str(free_port()) for name in PORTS},
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in variables.items():
            patch.setenv(name, value)
        own = settings.load()
    environment = os.environ | variables
    yield own, environment
    run(environment, "factory.services", "all", "down")


@pytest.mark.parametrize("name", specs.names(USUAL.prompts))
def test_from_a_folder_to_a_dossier(small: tuple[Settings, dict[str, str]], name: str, tmp_path: Path) -> None:
    own, environment = small
    if not (USUAL.gold / name).exists():
        pytest.skip(f"no human-labelled rows: {USUAL.gold / name}")
    print(run(environment, "flows.build", name, "--force"))
    assert {str(version) for version in given(open_hub(own.hub), name)} == {"1.0.0"}

    run(environment, "factory", "dossier", name, "--out", str(tmp_path / "dossier"))
    said = run(environment, "factory", "dossier", "verify", str(tmp_path / "dossier"))
    assert "as sealed" in said
    print(said)

    texts = [passage.text for passage in unlabelled(specs.load(name, own.prompts), own)[:20]]
    specialist = zoo.load(name, hub=own.hub)
    assert len(list(specialist.predict(texts))) == len(texts)


def run(environment: dict[str, str], *command: str) -> str:
    """What `python -m COMMAND` says; it has to end well."""
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=CHECKOUT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout
