"""Answers whose rows are no longer made become rows, but none past a guard; what rests on them is known to."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from factory import spec as specs
from factory import stage
from factory.dataset.split import split
from factory.files import write_jsonl
from factory.gold import Gold
from factory.review import merge
from factory.review.backend import Pulled, Pushed, SpansAnswer
from factory.row import Lineage, Row, read_rows, row_id, write_rows
from factory.spec import Spec
from factory.stage import Output
from factory.stages import reading, sources
from factory.stages.spans import Spans
from tests import kitchen


@pytest.fixture
def spec(tmp_path: Path) -> Spec:
    kitchen.make_specialist(tmp_path / "prompts" / "test" / "kitchen", tmp_path / "gold", {})
    return specs.load("test/kitchen", tmp_path / "prompts")


def answered(text: str, row: str = "") -> SpansAnswer:
    return SpansAnswer(row or row_id(text), None, "ann", text=text, spans=kitchen.spans_of(text))


def test_an_answer_to_what_is_a_gold_text_by_now_is_not_learned(
    spec: Spec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    examined, free = (kitchen.sample("Food", number)[0] for number in (3, 40))
    kept = [kitchen.sample("Tool", number) for number in range(10, 14)]
    rows = [
        Row(text=text, spans=spans, origin="reviewed", lineage=Lineage(spec="s", source=f"p{n}"))
        for n, (text, spans) in enumerate(kept)
    ]
    write_rows(tmp_path / "clean" / "kept.jsonl", rows)
    write_rows(tmp_path / "clean" / "dropped.jsonl", [])
    write_jsonl(tmp_path / "judge" / "judgements.jsonl", [])
    told = Pulled([answered(examined), answered(free)])
    monkeypatch.setattr(reading, "ask_people", lambda *_: (Pushed("here", 0, 0), told))
    monkeypatch.setattr(sources, "came_back", lambda *_: {})
    outputs = {name: Output(name, name, tmp_path / name, reused=True) for name in ("clean", "judge")}
    build: Any = SimpleNamespace(
        spec=spec,
        budget=spec.budget("quick"),
        gold=[Gold(id="g", text=examined, spans=kitchen.spans_of(examined))],
        run=outputs.__getitem__,
        stage=lambda name, inputs, work: stage.run(tmp_path, name, inputs, work),
        encoder=None,
        encoder_identity="none",
        teacher="none",
    )
    monkeypatch.setattr(Spans, "weighed", lambda self, build, rows: (list(rows), {}))
    out = Spans().review(build).path
    assert {row.text for row in read_rows(out / "kept.jsonl")} == {free, *(text for text, _ in kept)}
    (dropped,) = read_rows(out / "dropped.jsonl")
    assert dropped.text == examined and dropped.verdicts[-1].check == "contamination"


def test_a_row_made_of_an_answer_rests_on_what_the_answered_row_does() -> None:
    """So that what strategies write after it stays with it, whatever becomes of the row itself."""
    texts = [kitchen.sample("Food", number)[0] for number in range(60)]
    real = [
        Row(text=text, spans=(), origin="unlabelled", lineage=Lineage(spec="s", source=f"passage {n}"))
        for n, text in enumerate(texts)
    ]
    answers = [answered(text) for text in texts]
    people = merge.merge(real, answers).rows
    made = merge.adopt(merge.merge([], answers).orphans, "s")
    after = [
        Row(text=f"{row.text} !", spans=row.spans, origin="generated", lineage=Lineage(spec="s", source=row.id))
        for row in made
    ]
    parts = split([*people, *after])
    held = {row.id for row in people if parts[row.id] == "held_out"}
    assert held and {one.id for one in after if parts[one.id] == "held_out"} == {
        one.id for one in after if one.lineage.source in held
    }
