"""The README's new specialist, out of the README alone: its files, and the commands that look before it is built."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from factory import spec as specs
from factory.__main__ import main
from factory.gold import gold_of
from factory.settings import CHECKOUT

NAME = "insurance/claim"
README = (CHECKOUT / "README.md").read_text()
SECTION = README.partition("## A new specialist in ten minutes")[2].partition("\n## Load one")[0]


@pytest.fixture
def claims(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folders that somebody has who did what the section says."""
    files = re.findall(rf"^`(prompts/{NAME}/\S+)`.*?\n```\w+\n(.*?)^```", SECTION, re.DOTALL | re.MULTILINE)
    for path, text in files:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    (rows,) = re.findall(r"^```json\n(.*?)^```", SECTION, re.DOTALL | re.MULTILINE)
    gold = tmp_path / "gold" / NAME / "validation.jsonl"
    gold.parent.mkdir(parents=True)
    gold.write_text(rows)
    for name in ("home", "prompts", "gold"):
        monkeypatch.setenv(f"FACTORY_{name.upper()}", str(tmp_path / name))
    return tmp_path


def test_its_four_files_are_a_specialist_and_its_rows_are_gold(claims: Path) -> None:
    spec = specs.load(NAME, claims / "prompts")
    assert sorted(path.name for path in spec.folder.iterdir()) == sorted(["spec.yaml", *specs.COMPANIONS])
    assert [row.label for row in gold_of(spec, claims / "gold")] == ["water", "theft"]
    assert {one.label for one in spec.examples} == set(spec.labels)


def test_its_commands_run(claims: Path, capsys: pytest.CaptureFixture[str]) -> None:
    commands = re.findall(r"^    python -m factory (\S.*?)(?:\s+#.*)?$", SECTION, re.MULTILINE)
    assert [command.split()[0] for command in commands] == ["list", "show", "plan", "forecast"]
    said = {}
    for command in commands:
        assert main(command.split()) == 0
        said[command.split()[0]] = capsys.readouterr().out
    assert NAME in said["list"] and "4 labels" in said["list"]
    assert "20 requests, 120 rows" in said["plan"]
    assert "measure the teacher" in said["forecast"]


def test_a_mistake_is_told_with_its_place(claims: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = claims / "prompts" / NAME / "spec.yaml"
    path.write_text(path.read_text().replace("{label: water,", "{label: waters,"))
    assert main(["list"]) == 1
    said = capsys.readouterr().err
    assert "waters" in said and "spec.yaml" in said
