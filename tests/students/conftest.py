"""Rows of two labels that a random encoder can tell apart, and that encoder."""

from __future__ import annotations

from pathlib import Path

import pytest

from factory.row import Lineage, Row
from tests import tiny_encoder

SUBJECTS = {"parcel": ["parcel", "courier", "box"], "money": ["invoice", "refund", "bill"]}
REST = [
    "is late again",
    "never came to my house today",
    "was lost",
    "is not what I wanted from you at all",
    "looks odd",
]


def example(number: int) -> Row:
    label = list(SUBJECTS)[number % 2]
    subject = SUBJECTS[label][number // 2 % 3]
    text = f"{['hello', 'please help'][number // 30]} the {subject} {REST[number // 6 % 5]}"
    soft = {label: 0.9, list(SUBJECTS)[1 - number % 2]: 0.1} if number % 3 else None
    origin = "reviewed" if soft is None else "generated"
    return Row(text=text, label=label, soft=soft, weight=0.5 if soft else 1.0, origin=origin, lineage=Lineage(spec="s"))


@pytest.fixture(scope="session")
def rows() -> list[Row]:
    return [example(number * 7 % 60) for number in range(60)]


@pytest.fixture(scope="session")
def encoder(tmp_path_factory: pytest.TempPathFactory, rows: list[Row]) -> Path:
    return tiny_encoder.make(tmp_path_factory.mktemp("encoder"), [row.text for row in rows])
