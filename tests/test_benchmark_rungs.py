"""The table of rungs has a line a draw, with what each way of training is worth and which the ladder chose."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import benchmark

pytestmark = pytest.mark.real


def test_a_line_a_draw(tmp_path: Path) -> None:
    one, other = benchmark.table("rungs.py", tmp_path, "--rows", "18", "--seeds", "2")
    assert (one["seed"], other["seed"]) == ("0", "1") and one["people"] == "18" and one["gold"] == "30"
    for line in (one, other):
        assert all(0 <= float(line[way]) <= 1 for way in ("frozen", "lora"))
        chosen = float(line["gain"]) > float(line["error"])
        assert line["by_held_out"] == ("lora" if chosen else "frozen") and bool(line["asked_gain"]) == chosen
        again = chosen and float(line["asked_gain"]) > 0
        assert line["asked_again"] == ("lora" if again else "frozen")
