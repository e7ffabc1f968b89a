"""What a version is compared with."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from factory.drift import reference
from factory.drift.reference import DRAWN_ENOUGH
from factory.row import DRAWN, UNSURE, Lineage, Row


def rows(count: int, what: str, source: str = "") -> list[Row]:
    texts = [f"{what} number {number}" for number in range(count)]
    return [Row(text=text, label="a", origin="unlabelled", lineage=Lineage(spec="s", source=source)) for text in texts]


@pytest.mark.parametrize(("drawn", "alone"), [(DRAWN_ENOUGH, True), (75, True), (DRAWN_ENOUGH - 1, False)])
def test_what_drifted_once_is_no_drift_of_the_version_made_of_it(
    drawn: int, alone: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The smallest budget for real texts takes 75 that were drawn."""
    made_of = {
        "train": [*rows(300, "old"), *rows(drawn - 9, "drawn", DRAWN), *rows(75, "doubtful", UNSURE)],
        "held_out": [*rows(40, "older"), *rows(9, "drawn and held out", DRAWN)],
    }
    manifest: Any = SimpleNamespace(
        name="test/shop", lineage={}, kind="classification", risk=None, doubt=SimpleNamespace(promises=False)
    )
    version = SimpleNamespace(version="d-0123456789ab", rows=made_of.__getitem__)
    monkeypatch.setattr(reference, "find", lambda *_: version)
    monkeypatch.setattr(reference, "_gold", lambda *_: [f"gold number {number}" for number in range(200)])
    monkeypatch.setattr(reference, "_stated", lambda *_: None)
    asked: list[str] = []
    monkeypatch.setattr(reference, "_answers", lambda _, texts, __: asked.extend(texts) or [])
    monkeypatch.setattr(reference.zoo, "load", lambda _: None)
    sample = reference.read(Path(), manifest, None, None).sample  # type: ignore[arg-type]
    if alone:
        assert len(sample.texts) == drawn and all(text.startswith("drawn") for text in sample.texts)
        assert len(asked) == 9 and "texts drawn from production" in sample.what
    else:
        assert len(sample.texts) == 300 + 40 + drawn and "real rows" in sample.what
    assert not any(text.startswith("doubtful") for text in [*sample.texts, *asked])  # an answer picked it
