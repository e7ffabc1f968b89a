"""What more of people's rows are worth, or none, is measured with nothing else changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import reviewed
from tests import benchmark


@pytest.mark.parametrize("said", ["-1", "many", "1.5"])
def test_no_number_of_rows_is_a_wrong_use(said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        reviewed.main(["--reviewed", said])
    assert "is no number of rows" in capsys.readouterr().err


@pytest.mark.real
def test_a_student_is_measured_with_all_of_peoples_rows_and_with_a_few(tmp_path: Path) -> None:
    found = benchmark.table("reviewed.py", tmp_path, "--reviewed", "6", "all")
    every, few = sorted(found, key=lambda line: int(line["reviewed"]), reverse=True)
    assert (every["reviewed"], few["reviewed"]) == ("18", "6")
    assert int(few["reviewed_kept"]) <= 6 < int(every["reviewed_kept"]) <= 18
    assert (every["metric"], every["beside"], every["gold"]) == ("span_f1", "features", "30")
    assert float(every["low"]) <= float(every["value"]) <= float(every["high"]) and float(every["value"]) > 0.8
