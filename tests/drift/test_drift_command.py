"""`python -m factory drift`, on a published specialist and its own log."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import zoo
from factory.files import read_json
from tests import shop
from tests.conftest import NAME, Factory

pytestmark = pytest.mark.real


def production(built: Factory, folder: Path, texts: list[str], *, keep_text: bool = True) -> Path:
    """A log of what the published version says about texts."""
    with zoo.AuditLog(folder, keep_text=keep_text) as log:
        zoo.audited(zoo.load(NAME, hub=built.home / "hub"), log).predict(texts)
    return folder


def usual(number: int) -> str:
    """A text like the gold rows: of each label the same words, which go by the number."""
    return shop.text_of(list(shop.WORDS)[number % 3], 600 + number)


def test_production_like_the_rows_is_no_drift(built: Factory, tmp_path: Path) -> None:
    log = production(built, tmp_path / "log", [usual(number) for number in range(120)])
    ended = built.run("drift", NAME, "--log", str(log))
    assert ended.returncode == 0, ended.stdout
    assert "No drift found" in ended.stdout and f"{NAME}@1.0.0" in ended.stdout
    written = read_json(Path(ended.stdout.split("Written to ")[1].strip()))
    assert written["drift"] is False and written["production"] == "120 decisions"
    verdicts = {one["test"]: one["verdict"] for one in written["findings"]}
    assert verdicts == {"labels": "none", "confidence": "none", "texts": "none", "corrections": "not tested"}


def test_other_texts_are_found_and_end_with_5(built: Factory, tmp_path: Path) -> None:
    texts = [f"{shop.OTHER[number % 5]} number {number} please, and quickly" for number in range(120)]
    ended = built.run("drift", f"{NAME}@1.0.0", "--log", str(production(built, tmp_path / "log", texts)))
    assert ended.returncode == 5, ended.stdout
    assert re.search("DRIFT in .*texts", ended.stdout)


def test_without_texts_it_says_what_it_cannot_tell(built: Factory, tmp_path: Path) -> None:
    log = production(built, tmp_path / "log", [usual(number) for number in range(40)], keep_text=False)
    ended = built.run("drift", NAME, "--log", str(log), "--since", "1d")
    assert ended.returncode == 0, ended.stdout
    assert "the log holds no text of 40 of 40 decisions" in ended.stdout


def test_a_version_that_never_answered(built: Factory, tmp_path: Path) -> None:
    log = production(built, tmp_path / "log", ["Where is my parcel?"])
    ended = built.run("drift", NAME, "--log", str(log), "--since", "2999-01-01")
    assert ended.returncode == 1, ended.stdout
    assert f"holds no decision of {NAME}@1.0.0 since 2999-01-01" in ended.stdout
    assert "Traceback" not in ended.stdout
