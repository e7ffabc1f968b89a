"""How far work is."""

from __future__ import annotations

import pytest

from factory import progress
from factory.progress import Meter, Parts


def test_parts_are_told_as_they_are_done() -> None:
    told: list[tuple[int, int]] = []
    parts = Parts(lambda done, total: told.append((done, total)), 2)
    parts.done()
    parts.done()
    assert told == [(0, 2), (1, 2), (2, 2)]


def test_a_log_has_the_beginning_and_the_end_and_little_between(capsys: pytest.CaptureFixture[str]) -> None:
    meter = Meter("measure", "parts")
    for done in range(1001):
        meter(done, 1000)
    first, *others = capsys.readouterr().err.splitlines()
    assert first.split()[:2] == ["measure", "0/1000"]
    assert [line.split()[1] for line in others] == ["1000/1000"]


def test_while_nothing_is_done_it_says_for_how_long(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 100.0
    monkeypatch.setattr(progress.time, "monotonic", lambda: now)
    meter = Meter("write", "requests")
    for done, seconds in ((0, 0.0), (0, 75.0), (10, 25.0), (40, 75.0)):
        now += seconds
        meter(done, 40)
    said = [" ".join(line.split()) for line in capsys.readouterr().err.splitlines()]
    assert said == [
        "write 0/40 requests",
        "write 0/40 requests 1:15 so far",
        "write 10/40 requests 0.1/s 5:00 left",
        "write 40/40 requests 0.2/s",
    ]
