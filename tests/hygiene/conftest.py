from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from factory.hygiene.check import Context, Vectors
from factory.row import Gold
from factory.spec_hygiene import Hygiene
from tests.hygiene.hygiene_rows import make_spec


@pytest.fixture
def make_context(tmp_path: Path) -> Callable[..., Context]:
    def make(
        gold: list[str] | None = None,
        instructions: tuple[str, ...] = (),
        hygiene: Hygiene | None = None,
        language: str = "en",
        vectors: Vectors | None = None,
    ) -> Context:
        golds = [Gold(id=f"gold-{number}", text=text, label="neutral") for number, text in enumerate(gold or [])]
        return Context(make_spec(tmp_path, hygiene, language), golds, instructions, vectors)

    return make
