"""Nothing is lost, nothing is done twice, everything is said."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from factory.errors import DataError, FactoryError
from factory.hygiene import run as hygiene
from factory.hygiene.check import Context
from factory.hygiene.explain import explain, life
from factory.row import Row, Verdict, read_rows
from tests.hygiene.hygiene_rows import LABELS, row

Make = Callable[..., Context]
TEXT = st.one_of(
    st.text(max_size=30),
    st.sampled_from(["Where is my card?", "where is my card", "I'm sorry to hear that", "Wo ist meine neue Karte?"]),
)
ROW = st.builds(
    lambda text, label, origin, soft: row(
        text, label, origin, soft={label: soft, "neutral": 1 - soft} if soft else None
    ),
    TEXT,
    st.sampled_from([*LABELS, "unheard of"]),
    st.sampled_from(["generated", "unlabelled", "reviewed", "example"]),
    st.sampled_from([None, 0.01, 0.9]),
)


def content(rows: list[Row]) -> Counter[str]:
    return Counter(one.model_copy(update={"verdicts": []}).model_dump_json() for one in rows)


@given(rows=st.lists(ROW, max_size=15))
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_nothing_is_lost_and_twice_is_once(make_context: Make, rows: list[Row]) -> None:
    known = make_context(gold=["Where is the card I ordered last week?"])
    before = [one.model_copy(deep=True) for one in rows]
    result = hygiene.run(rows, known)
    assert content(result.kept) + content(result.dropped) == content(rows)
    assert rows == before, "the rows that came in are left alone"
    assert all(one.verdicts[-1].passed is False and len(one.verdicts) == _place(one) for one in result.dropped)
    assert all([verdict.check for verdict in one.verdicts] == list(hygiene.CHECKS) for one in result.kept)
    again = hygiene.run(result.kept, known)
    assert again.kept == result.kept
    assert again.dropped == []
    seen = [len(rows)]
    for one in result.statistics:
        assert one.seen == seen[-1]
        assert sum(one.reasons.values()) == one.dropped
        seen.append(one.seen - one.dropped)
    assert seen[-1] == len(result.kept)


def _place(one: Row) -> int:
    return list(hygiene.CHECKS).index(one.verdicts[-1].check) + 1


def test_files(make_context: Make, tmp_path: Path) -> None:
    rows = [row("Where is my\u2028new card?"), row("hi"), row("Hello there, how can I assist you?"), row("yo")]
    result = hygiene.run(rows, make_context())
    hygiene.write(tmp_path, result)
    assert read_rows(tmp_path / "kept.jsonl") == result.kept == [result.kept[0]]
    assert read_rows(tmp_path / "dropped.jsonl") == result.dropped
    statistics = {one["check"]: one for one in json.loads((tmp_path / "statistics.json").read_text())}
    assert statistics["length"]["reasons"] == {"too short": 2}
    assert statistics["roles"] == {
        "check": "roles", "seen": 2, "asked": 2, "dropped": 1, "reasons": {"answers as the agent": 1}
    }  # fmt: skip


def test_in_two_passes(make_context: Make) -> None:
    """Judging comes between the checks of text and the check of labels."""
    known = make_context()
    first = hygiene.run([row("Where is my card?"), row("hi")], known, ("schema", "length"))
    judged = [one.model_copy(update={"soft": {"neutral": 1.0}}) for one in first.kept]
    second = hygiene.run([*judged, *first.dropped], known, ("consistency",))
    assert second.kept == []
    assert [[verdict.check for verdict in one.verdicts] for one in second.dropped] == [
        ["schema", "length", "consistency"],
        ["schema", "length"],
    ]
    assert second.statistics[0].seen == 1, "a row dropped before is not shown"


def test_unknown_check(make_context: Make) -> None:
    with pytest.raises(FactoryError, match="no check named 'lenght'"):
        hygiene.run([], make_context(), ("lenght",))


def test_explain() -> None:
    one = row(
        "Where is my card?",
        soft={"card_arrival": 0.7, "neutral": 0.3},
        attributes={"tone": "angry"},
        verdicts=[
            Verdict(check="length", passed=True, score=4),
            Verdict(check="roles", passed=False, reason="refuses: 'x'"),
        ],
    )
    one.lineage.was = "neutral"
    one.lineage.teacher = "qwen@abc"
    text = explain(one)
    for expected in (
        one.id, "Where is my card?", "card_arrival 0.70", "(was neutral)", "tone: angry", "qwen@abc", "t/t#0",
        "passed   length", "DROPPED  roles", "refuses: 'x'", "Dropped by roles; later checks were not asked.",
    ):  # fmt: skip
        assert expected in text


def test_life_finds_a_row(make_context: Make, tmp_path: Path) -> None:
    result = hygiene.run([row("Where is my card?"), row("hi")], make_context())
    hygiene.write(tmp_path, result)
    files = [tmp_path / "kept.jsonl", tmp_path / "dropped.jsonl"]
    dropped = result.dropped[0]
    assert "dropped.jsonl" in life(dropped.id[:8], files)
    assert "Dropped by length" in life(dropped.id, files)
    assert "Kept." in life(result.kept[0].id, files)
    with pytest.raises(DataError, match="no row 'nope'"):
        life("nope", files)
    with pytest.raises(DataError, match="no row ''"):
        life("", files)
