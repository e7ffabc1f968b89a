"""Students who are trained and then asked tell how far they are in both."""

from __future__ import annotations

from pathlib import Path

from factory.files import write_json
from factory.stages.fitting import STEPS, noted, watched

SAID = "said.json"


def test_who_waits_is_told_of_the_asking_once_all_are_trained(tmp_path: Path) -> None:
    training: list[tuple[int, int]] = []
    answering: list[tuple[int, int]] = []
    folders = [tmp_path / "part-1", tmp_path / "part-2"]
    for folder in folders:
        folder.mkdir()
    watch = watched(folders, lambda *told: training.append(told), lambda *told: answering.append(told), SAID)

    watch()
    assert not training and not answering
    write_json(folders[0] / STEPS, [8, 8])
    watch()
    assert training == [(8, 16)] and not answering  # the other has not begun
    noted(folders[1], watch)(8, 8)
    assert training[-1] == (16, 16) and answering == [(0, 2)]
    write_json(folders[1] / SAID, [])
    watch()
    assert answering[-1] == (1, 2)
