from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from factory.errors import DataError
from factory.files import write_jsonl
from factory.review import simulated
from factory.row import Gold
from factory.spec import Spec


def gold(n: int) -> list[Gold]:
    return [Gold(id=f"g{i}", text=f"text {i}", label="lost" if i % 10 else "fee") for i in range(n)]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(st.integers(0, 60), st.integers(0, 60), st.randoms())
def test_a_smaller_budget_is_the_beginning_of_a_larger(spec: Spec, small: int, large: int, shuffler) -> None:  # type: ignore[no-untyped-def]
    small, large = sorted((small, large))
    rows = gold(50)
    more = simulated.draw(spec, rows, large)
    shuffler.shuffle(rows)
    assert simulated.draw(spec, rows, small) == more[:small]
    assert len(more) == min(large, 50)


def test_the_rows(spec: Spec, tmp_path: Path) -> None:
    write_jsonl(tmp_path / spec.gold / "reviewed.jsonl", [row.model_dump() for row in gold(30)])
    rows = simulated.read(spec, tmp_path, 10)
    assert len(rows) == 10
    for row in rows:
        assert (row.origin, row.soft, row.weight) == ("reviewed", None, 1.0)
        assert row.lineage.reviewers == ["simulated"]
        assert row.lineage.source.startswith("g")
        assert row.lineage.spec == spec.identity


def test_a_text_there_twice_comes_once(spec: Spec) -> None:
    rows = [*gold(5), *(row.model_copy(update={"id": row.id + "again"}) for row in gold(5))]
    drawn = simulated.draw(spec, rows, 100)
    assert len(drawn) == len({row.id for row in drawn}) == 5


def test_the_sample_is_random_and_not_stratified(spec: Spec) -> None:
    shares = {Counter(row.label for row in simulated.draw(spec, gold(n), 100))["fee"] for n in (300, 600, 900, 1200)}
    assert len(shares) > 1  # a stratified sample would hold ten each time
    assert all(2 <= share <= 22 for share in shares)


def test_missing_and_unknown(spec: Spec, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="missing"):
        simulated.read(spec, tmp_path, 10)
    write_jsonl(tmp_path / spec.gold / "reviewed.jsonl", [{"id": "1", "text": "a", "label": "weather"}])
    with pytest.raises(DataError, match="weather"):
        simulated.read(spec, tmp_path, 10)
