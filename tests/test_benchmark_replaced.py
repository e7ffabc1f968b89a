"""What people's rows with other words are worth is measured beside the same rows without them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import benchmark


@pytest.mark.real
def test_a_student_is_measured_with_copies_and_without(tmp_path: Path) -> None:
    found = benchmark.table("replaced.py", tmp_path, "--rows", "18", "--copies", "3", "--seeds", "1", "--epochs", "2")
    alone, more = sorted(found, key=lambda line: int(line["copies"]))
    assert (alone["copies"], alone["rows_added"], alone["points_gained"]) == ("0", "0", "0.0")
    assert more["copies"] == "3" and 0 < int(more["rows_added"]) <= 3 * int(more["rows_learned"])
    assert more["rows_learned"] == alone["rows_learned"] and more["gold"] == "30"
    assert float(more["gained_low"]) <= float(more["points_gained"]) <= float(more["gained_high"])
