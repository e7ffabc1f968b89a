"""The table of epochs has every one, with what held-out rows and gold say of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import benchmark

pytestmark = pytest.mark.real


def test_a_line_an_epoch(tmp_path: Path) -> None:
    found = benchmark.table("epochs.py", tmp_path, "--rows", "18", "--copies", "2", "--seeds", "1", "--epochs", "3")
    assert [line["epoch"] for line in found] == [str(number) for number in range(1, 4)]
    assert float(found[-1]["value"]) > 0.5 and found[-1]["gold"] == "30"
    for line in found:
        assert int(line["rows_learned"]) + int(line["rows_held_out"]) <= 3 * 18
        assert all(0 <= float(line[name]) <= 1 for name in ("held_out", "error", "value"))
