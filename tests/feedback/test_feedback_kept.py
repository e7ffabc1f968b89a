"""From an audit log to what a build starts from, and who comes first in it."""

from __future__ import annotations

import dataclasses
import stat
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import zoo
from factory import settings as environment
from factory import spec as specs
from factory.dataset.split import ENOUGH, split
from factory.errors import DataError
from factory.feedback import kept
from factory.feedback.collect import exported
from factory.feedback.kept import Feedback
from factory.generate.seed import unlabelled
from factory.review.select import select
from factory.row import CORRECTED, DRAWN, UNSURE, Lineage, Row
from factory.stages import Build, sources
from factory.stages.judge import _turn
from tests import kitchen, shop
from tests.zoo.audit_logs import add
from zoo.classifier import Answer

NAME = "test/shop"
BUDGET = {"generate": 0, "label": 10, "judge": 10, "review": 4}


@pytest.fixture
def build(tmp_path: Path) -> Build:
    """Of the shop's specialist, in a home where nothing came back."""
    budgets = {"quick": BUDGET, "full": BUDGET}
    shop.make_specialist(tmp_path / "prompts" / NAME, tmp_path / "gold", {"budgets": budgets})
    usual = environment.load()
    here = dataclasses.replace(
        usual, home=tmp_path / "home", prompts=tmp_path / "prompts", gold=tmp_path / "gold", simulate_review=True
    )
    return Build(specs.load(NAME, here.prompts), "quick", here)


def texts(count: int, what: str) -> list[str]:
    return [f"Please tell me something about the {what} of number {number}" for number in range(count)]


def came_back(folder: Path) -> Path:
    """A log in which people corrected six answers, of which one has a label that is none, and eight were unsure."""
    model = f"{NAME}@1.0.0"
    with zoo.AuditLog(folder, keep_text=True) as log:
        for number, id in enumerate(add(log, *texts(6, "garden"), said=Answer("money", 0.9, False), model=model)):
            log.correct(id, "account" if number else "weather", who="r-1")
        add(log, *texts(8, "weather"), said=Answer("money", 0.4, True), model=model)
        add(log, *texts(9, "song"), said=Answer("money", 0.9, False), model=model)
        add(log, "another", said=Answer("money", 0.1, True), model="test/other@1.0.0")
    return folder


def test_where_nothing_came_back_a_build_starts_from_what_it_always_did(build: Build) -> None:
    assert sources.texts(build) == unlabelled(build.spec, build.settings)[:10]
    assert {row.lineage.reviewers[0] for row in sources.people(build)} == {"simulated"}
    assert len(sources.people(build)) == 4


def test_what_came_back_comes_first_and_takes_half_of_the_texts(build: Build, tmp_path: Path) -> None:
    before = sources.candidate_inputs(build)
    found, lost = exported(NAME, [came_back(tmp_path / "log")], kept.folder(build.settings.home, NAME))
    drawn = Feedback(drawn=kept.by_id([{"id": "1", "text": texts(1, "song")[0], "source": "audit"}]))
    kept.keep(build.settings.home, NAME, found.joined(drawn))
    folder = kept.folder(build.settings.home, NAME)
    assert lost == 0 and stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert sorted(path.name for path in folder.iterdir()) == ["drawn.jsonl", "reviewed.jsonl", "unlabelled.jsonl"]

    people = sources.people(build)
    assert [row.text for row in people[:5]] == texts(6, "garden")[:0:-1]  # the newest first
    assert {(row.label, row.origin, row.lineage.reviewers[0]) for row in people[:5]} == {("account", "reviewed", "r-1")}
    assert all(row.picked and f"{NAME}@1.0.0" in row.lineage.source for row in people[:5])
    assert not any(row.from_production for row in people[5:]) and len(people) == 9
    (why,) = sources.unfit(build)
    assert "'weather', which the spec does not declare" in why

    passages = sources.texts(build)
    assert [one.text for one in passages[:5]] == [*texts(1, "song"), *texts(8, "weather")[:3:-1]]
    assert [one.id.startswith(DRAWN) for one in passages[:5]] == [True, *[False] * 4]
    assert [one.text for one in passages[5:]] == [one.text for one in unlabelled(build.spec, build.settings)[:5]]
    after = sources.candidate_inputs(build)
    assert {name for name in before if before[name] != after[name]} == {"unlabelled", "people"}


@given(st.permutations(range(24)), st.sets(st.integers(0, 23)), st.integers(0, 24), st.integers(0, 30))
def test_what_is_drawn_is_a_sample_of_production_whatever_was_unsure(
    order: list[int], doubtful: set[int], size: int, most: int
) -> None:
    """Else a version made after drift is compared with the texts that the one before was sure of."""
    said = [{"id": f"{number}", "text": f"text number {number}", "source": "audit"} for number in order]
    drawn, unsure = said[:size], [one for one in said if int(one["id"]) in doubtful]
    spec: Any = SimpleNamespace(hygiene=SimpleNamespace(words=(1, 9)))
    found = kept.passages(spec, Feedback(unsure=kept.by_id(unsure), drawn=kept.by_id(drawn)), most)
    assert sorted(one.text for one in found) == sorted({one["text"] for one in [*drawn, *unsure]})
    taken = found[:most]
    sample = [one.text for one in taken if one.id.startswith(DRAWN)]
    assert sample == [one["text"] for one in drawn[: len(sample)]]  # the first of them, unsure or not
    assert len(sample) >= min(len(drawn), (most + 1) // 2)
    doubted = [one.text for one in taken if one.id.startswith(UNSURE)]
    left = [one["text"] for one in reversed(unsure) if one["text"] not in sample]
    assert doubted == left[: len(doubted)] and len(doubted) >= min(len(left), most // 2)


def test_spans_come_back_as_people_marked_them(tmp_path: Path) -> None:
    kitchen.make_specialist(tmp_path / "prompts" / "test/kitchen", tmp_path / "gold", {})
    spec = specs.load("test/kitchen", tmp_path / "prompts")
    text, spans = kitchen.sample("Food + Tool", 3)
    marked = [zoo.Span(one.label, one.start, one.end, text[one.start : one.end], 0.9, False) for one in spans]
    with zoo.AuditLog(tmp_path / "log", keep_text=True) as log:
        (id,) = log.record("test/kitchen@1.0.0", [text], [marked[:1]], [0.1])
        log.correct(str(id), marked, who="r-1")
    found, unfit = kept.rows(spec, exported(spec.name, [tmp_path / "log"], tmp_path / "home")[0])
    assert [row.spans for row in found.values()] == [spans] and not unfit


def test_no_log_is_told_as_such(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="There is no audit log here"):
        exported(NAME, [tmp_path / "none"], tmp_path / "home")
    assert list((tmp_path / "home").iterdir()) == []


def row(text: str, source: str = "", origin: str = "unlabelled", label: str = "a") -> Row:
    return Row(text=text, label=label, origin=origin, lineage=Lineage(spec="s", source=source))  # type: ignore[arg-type]


def test_what_answers_picked_is_never_held_out() -> None:
    picked = [row(f"text {number}", f"{CORRECTED}{number}", "reviewed") for number in range(200)]
    drawn = [row(f"other {number}", f"{DRAWN}{number}") for number in range(200)]
    few = [row(f"few {number}", label="b") for number in range(ENOUGH)]
    placed = split([*picked, *drawn, *few])
    assert {placed[one.id] for one in picked} == {"train"}
    assert {placed[one.id] for one in drawn} == {placed[one.id] for one in few} == {"train", "held_out"}


def test_judges_and_people_are_asked_about_production_first() -> None:
    back = [row(f"back number {number} of mine", f"{UNSURE}{number}") for number in range(4)]
    usual = [row(f"usual words, {number} of them") for number in range(40)]
    known = [row("known", "", "reviewed"), row("corrected", f"{CORRECTED}1", "reviewed"), row("given", "", "example")]
    order = sorted([*usual, *known, *back, row("written", "", "generated")], key=_turn)
    assert [one.text for one in order[:2]] == ["known", "given"]
    assert set(map(str, (one.text for one in order[2:6]))) == {one.text for one in back}
    assert [one.text for one in order[-2:]] == ["corrected", "written"]
    shown = select([*usual, *back], 6, 0.0)
    assert {one.row.text for one in shown} >= {one.text for one in back} and len(shown) == 6
