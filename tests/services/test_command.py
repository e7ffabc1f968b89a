"""`python -m factory.services`: which servers it means."""

from __future__ import annotations

from pathlib import Path

import pytest

from factory.services import __main__ as command


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
