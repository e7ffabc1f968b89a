"""What a training took: its time goes on over restarts, and its memory is its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from factory.files import read_json
from factory.students import took
from factory.students.took import TOOK, Took


def test_seconds_of_an_earlier_process_count_too(tmp_path: Path) -> None:
    one = Took()
    one.before = 100.0
    one.write(tmp_path, 2)
    said = read_json(tmp_path / TOOK)
    assert 100 <= said["seconds"] < 101 and said["threads"] == 2


def test_memory_is_what_was_held_since_it_began(tmp_path: Path) -> None:
    before = bytearray(200_000_000)
    before[::4096] = b"x" * len(before[::4096])
    del before
    small = Took()
    small.write(tmp_path, 1)
    first = read_json(tmp_path / TOOK)["peak_bytes"]
    if first is None:
        pytest.skip("this system does not tell")
    large = Took()
    held = bytearray(200_000_000)
    held[::4096] = b"x" * len(held[::4096])
    large.write(tmp_path, 1)
    assert read_json(tmp_path / TOOK)["peak_bytes"] - first > 150_000_000


def test_where_the_system_does_not_tell_it_is_not_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(took, "SELF", tmp_path / "nowhere")
    Took().write(tmp_path, None)
    assert read_json(tmp_path / TOOK) | {"seconds": 0} == {"seconds": 0, "peak_bytes": None, "threads": None}
