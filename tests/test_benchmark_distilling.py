"""The table of what a mentor is worth has the mentor, and a smaller student without it and with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import benchmark

pytestmark = pytest.mark.real


def test_a_smaller_student_is_measured_with_a_mentor_and_without(tmp_path: Path) -> None:
    found = {line["student"]: line for line in benchmark.of_writing("distilling.py", tmp_path, "--layers", "1")}
    assert found.keys() == {"mentor", "alone", "with mentor"}
    assert [found[name]["layers"] for name in ("mentor", "alone", "with mentor")] == ["all", "1", "1"]
    for line in found.values():
        assert line["metric"] == "rouge_l"
        assert 0 <= float(line["low"]) <= float(line["value"]) <= float(line["high"]) <= 1
    taught, alone = found["with mentor"], found["alone"]
    gained = 100 * (float(taught["value"]) - float(alone["value"]))
    assert float(taught["points_gained"]) == pytest.approx(gained, abs=0.02) and alone["points_gained"] == ""
    assert taught["held_out_loss"] != alone["held_out_loss"]
