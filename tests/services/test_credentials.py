from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from factory.errors import ServiceError
from factory.services.argilla import credentials


def test_drawn_once_and_private(tmp_path: Path) -> None:
    home = tmp_path / "argilla"
    drawn = credentials.load(home)
    assert credentials.path(home).stat().st_mode & 0o777 == 0o600
    assert credentials.load(home) == drawn
    assert credentials.load(tmp_path / "other") != drawn
    assert not [part for part in home.iterdir() if part.suffix == ".part"]


def test_never_printed(tmp_path: Path) -> None:
    drawn = credentials.load(tmp_path)
    assert drawn.api_key not in repr(drawn)
    assert drawn.reviewer_password not in repr(drawn)


def test_a_file_opened_to_others_is_closed(tmp_path: Path) -> None:
    credentials.load(tmp_path)
    credentials.path(tmp_path).chmod(0o644)
    credentials.load(tmp_path)
    assert credentials.path(tmp_path).stat().st_mode & 0o777 == 0o600


def test_first_starts_at_once_agree(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        drawn = list(pool.map(lambda _: credentials.load(tmp_path / "shared"), range(8)))
    assert len(set(drawn)) == 1


@pytest.mark.parametrize("value", [[], {"api_key": "x"}, {"api_key": 1}])
def test_a_file_that_was_changed_is_said(tmp_path: Path, value: object) -> None:
    credentials.path(tmp_path).write_text(json.dumps(value))
    with pytest.raises(ServiceError, match="not as it was written") as error:
        credentials.load(tmp_path)
    assert "Delete it" in error.value.fix
