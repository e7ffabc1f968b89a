"""What a recipe's changes are read as."""

from __future__ import annotations

import pytest

from benchmarks.parts.recipe import changes
from factory.errors import FactoryError


def test_changes_are_numbers_of_their_kind() -> None:
    assert changes("dropout=0.1,rank=32") == {"dropout": 0.1, "rank": 32}
    assert changes("") == {}


@pytest.mark.parametrize("text", ["colour=1", "rank=many", "rank=1.5", "rank", "encoder=x"])
def test_another_key_or_no_number_is_refused_by_name(text: str) -> None:
    with pytest.raises(FactoryError, match="A recipe has no"):
        changes(text)
