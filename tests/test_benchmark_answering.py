"""Ways to get an answer of one model are measured side by side, each in a process of its own."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from benchmarks import answering
from benchmarks.parts.answerers import ANSWERERS, IN_PEERS


@pytest.mark.real
def test_each_answers_and_what_it_takes_is_told_beside_the_zoo(tmp_path: Path) -> None:
    out = tmp_path / "table.csv"
    answering.main(["--most", "6", "--rounds", "1", "--out", str(out)])
    with out.open(newline="") as lines:
        found = {line["contestant"]: line for line in csv.DictReader(lines)}
    assert set(ANSWERERS) - set(IN_PEERS) <= set(found)
    for name, line in found.items():
        assert 0 < float(line["p50_ms"]) <= float(line["p95_ms"]) and float(line["texts_per_second"]) > 0
        weights = name.removeprefix("zoo, ")
        assert name == weights or line[f"p50_ms_over_{weights}"] == line[f"texts_per_second_over_{weights}"] == "1.0"
    assert all(line["texts"] == "6" for line in found.values())
