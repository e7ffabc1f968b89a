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


def test_few_long_ones_are_told_one_by_one(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    meter = Meter("measure", "parts")
    for seconds, done in ((0, 0), (60, 1), (61, 2), (62, 2), (65, 2), (72, 2), (160, 4)):
        monkeypatch.setattr(progress.time, "monotonic", lambda now=seconds: 1000.0 + now)
        meter(done, 4)
    said = [" ".join(line.split()) for line in capsys.readouterr().err.splitlines()]
    assert said == [
        "measure 0/4 parts",
        "measure 1/4 parts 0.0/s 3:00 left",
        "measure 2/4 parts 1.0/s 0:02 left",
        "measure 2/4 parts 0.1/s 0:24 left",
        "measure 4/4 parts 0.0/s",
    ]


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


def left(capsys: pytest.CaptureFixture[str], clock: pytest.MonkeyPatch, *at: tuple[float, int]) -> list[str]:
    """What is said to be left, at each of these seconds, of 100, of which so many are done."""
    meter = Meter("write", "requests")
    for seconds, done in at:
        clock.setattr(progress.time, "monotonic", lambda now=seconds: 1000.0 + now)
        meter(done, 100)
    said = capsys.readouterr().err.splitlines()
    return [line.partition("/s")[2].strip() for line in said]


def test_who_is_asked_much_at_once_is_not_thought_to_be_slow(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    said = left(capsys, monkeypatch, (0, 0), (120, 1), (130, 2), (140, 3), (200, 9))
    assert said == ["", "3:18:00 left", "16:20 left", "16:10 left", "15:10 left"]


def test_a_burst_is_not_taken_for_a_pace(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    said = left(capsys, monkeypatch, (0, 0), (100, 25), (111, 30), (200, 50), (300, 75))
    assert said == ["", "5:00 left", "4:19 left", "3:20 left", "1:40 left"]
