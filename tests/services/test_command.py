"""`python -m factory.services`: which servers it means."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from factory.review import waiting
from factory.review.waiting import Waiting
from factory.services import __main__ as command
from factory.settings import CHECKOUT


def test_all_leaves_out_the_hub_where_it_is_somebody_elses(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FACTORY_HOME", str(tmp_path))
    monkeypatch.setenv("FACTORY_HUB", "hf:bank")
    assert command.main(["all", "status"]) == 1  # the others are down
    said = capsys.readouterr().out
    assert "argilla is down" in said and "prefect is down" in said and "hub" not in said
    monkeypatch.setenv("FACTORY_HUB", str(tmp_path / "hub"))
    command.main(["all", "status"])
    assert "hub is down" in capsys.readouterr().out


BUILDS = (
    "import sys; from factory import settings; from factory.alone import alone\n"
    "with alone('support/intent', settings.load()): print('begun', flush=True); sys.stdin.read()"
)


def test_status_says_what_is_built_and_what_waits(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FACTORY_HOME", str(tmp_path))
    monkeypatch.setenv("FACTORY_TEACHER_URL", "http://teacher.example/v1")
    build = subprocess.Popen(
        [sys.executable, "-c", BUILDS], cwd=CHECKOUT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert build.stdout and build.stdout.readline() == "begun\n"
    command.main(["all", "status"])
    said = capsys.readouterr().out
    assert "the teacher is asked at http://teacher.example/v1" in said
    assert f"support/intent is being built (pid {build.pid})" in said and "no build waits for people" in said
    build.communicate("")
    assert build.returncode == 0, "to look takes no lock away"
    waiting.keep(
        tmp_path, Waiting("legal/clause", "full", {"r1": 2}, "http://argilla.example/1", "2026-01-02T03:04:05")
    )
    command.main(["all", "status"])
    said = capsys.readouterr().out
    assert "no build is under way" in said
    assert "legal/clause (full) waits for people: 0 of 1 rows are answered" in said and "argilla.example/1" in said
