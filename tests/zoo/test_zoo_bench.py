"""zoo bench, and the arithmetic under it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo.__main__ import main
from zoo.benching import SIZES, made_up, peak_mb, quantile


def test_figures_of_made_up_texts_and_of_a_file(
    specialist: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["bench", str(specialist), "--texts", "20", "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert 0 < figures["batch_1"]["p50"] <= figures["batch_1"]["p95"] <= figures["batch_1"]["p99"]
    assert figures["most"]["batch_size"] in SIZES and figures["most"]["texts_per_second"] > 0
    assert figures["texts"] == 20 and figures["memory_mb"] == pytest.approx(peak_mb(), rel=0.5)
    (tmp_path / "a.csv").write_text("body\nword1\n\nword2\n")
    assert main(["bench", str(specialist), "--in", str(tmp_path / "a.csv"), "--column", "body"]) == 0
    out = capsys.readouterr().out
    assert f"2 of {tmp_path / 'a.csv'}" in out and "p99" in out and "texts a second" in out


def test_what_can_not_be_measured_is_told(specialist: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", str(specialist), "--texts", "0"]) == 1
    assert "--texts must be a whole number from 1" in capsys.readouterr().err
    (tmp_path / "a.txt").write_text("\n")
    assert main(["bench", str(specialist), "--in", str(tmp_path / "a.txt")]) == 1
    assert "no text to measure with" in capsys.readouterr().err


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=300), st.integers(1, 100))
def test_a_quantile_has_its_share_at_or_below_it(values: list[float], percent: int) -> None:
    found = quantile(sorted(values), percent / 100)
    assert sum(value <= found for value in values) * 100 >= percent * len(values)
    assert sum(value < found for value in values) * 100 < percent * len(values)


def test_made_up_texts_are_the_same_each_time() -> None:
    words = {"one": 0, "two": 1, "##x": 2, "[PAD]": 3}
    assert made_up(words, 3, 5) == made_up(words, 3, 5)
    assert set(" ".join(made_up(words, 9, 5)).split()) == {"one", "two"}
