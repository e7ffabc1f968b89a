"""A reader sees what its encoder sees, and a kill costs it nothing that was saved."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from factory.row import Row
from factory.students import reader
from factory.students.encoder import Encoder


@pytest.fixture
def texts(rows: list[Row], monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setattr(reader, "PART", 16)
    return [row.text for row in rows]


def test_vectors_are_the_encoders(encoder: Path, texts: list[str], tmp_path: Path) -> None:
    found = reader.read(encoder, texts, 24, tmp_path / "part")
    exact = Encoder.load(encoder, ["a"], 24).vectors(texts)
    assert found.shape == exact.shape == (60, 32) and found.dtype == np.float32
    cosines = (found * exact).sum(1) / np.linalg.norm(found, axis=1) / np.linalg.norm(exact, axis=1)
    assert cosines.min() > 0.999
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("bytes_written", [0, 1, 16 * 32 * 4, 16 * 32 * 4 + 7, 3 * 16 * 32 * 4, 60 * 32 * 4])
def test_what_a_kill_left_is_gone_on_with_to_the_same_bits(
    encoder: Path, texts: list[str], tmp_path: Path, bytes_written: int
) -> None:
    whole = reader.read(encoder, texts, 24, tmp_path / "whole")
    (tmp_path / "part").write_bytes(whole.tobytes()[:bytes_written])
    told: list[tuple[int, int]] = []
    again = reader.read(encoder, texts, 24, tmp_path / "part", lambda *now: told.append(now))
    assert again.tobytes() == whole.tobytes()
    saved = bytes_written // (16 * 32 * 4)
    assert [done for done, _ in told] == [16, 32, 48, 60][saved:]
