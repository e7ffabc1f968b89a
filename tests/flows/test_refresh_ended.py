"""What a refresh makes of a build that came to its end without it: it was killed, or people answered meanwhile."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from factory import settings as environment
from factory.feedback import decide
from factory.feedback.decide import Decision, State
from factory.settings import Settings
from flows import refreshing
from flows.built import Built
from tests import shop

NAME = "test/shop"


@pytest.fixture
def pending(tmp_path: Path) -> Settings:
    """A refresh decided on a build beside 1.1.0, and nobody wrote down what came of it."""
    shop.make_specialist(tmp_path / "prompts" / NAME, tmp_path / "gold", {})
    here = dataclasses.replace(
        environment.load(), home=tmp_path / "home", hub=str(tmp_path / "hub"), prompts=tmp_path / "prompts", keep_days=0
    )
    moment = "2026-03-01T12:00:00.000000+00:00"
    decision = Decision(f"{NAME}@1.1.0", moment, "quick", (), (), (), 7, 0, 0, (), 5, True, ("7 new answers",))
    decide.keep(here.home, decision)
    decide.keep_state(here.home, NAME, State(frozenset("abc"), {}, decision.file))
    return here


def run(here: Settings, monkeypatch: pytest.MonkeyPatch, *published: str) -> tuple[Decision, int, list[str]]:
    """A refresh while the hub gives out these, one at each question; and the builds that it began."""
    begun: list[str] = []

    def build(name: str, budget: str, settings: Settings) -> Built:
        begun.append(name)
        return Built(name, 3, "the gate refused", {}, 0.0)

    answers = iter(published)
    monkeypatch.setattr(refreshing, "published", lambda *_: next(answers))
    monkeypatch.setattr(refreshing, "build", build)
    return *refreshing.run(NAME, [], "quick", 5, "", here), begun


def test_a_version_that_was_published_since_is_what_came_of_it(
    pending: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the next build, with what people have answered since, may be refused, and the decision would say so."""
    decision, status, begun = run(pending, monkeypatch, "1.2.0")
    assert (decision.became, status, begun) == ("1.2.0 is published", 0, [])
    assert not decide.read_state(pending.home, NAME).pending
    assert decide.read(pending.home, NAME, decision.file) == decision


@pytest.mark.parametrize("now", ["1.1.0", "1.0.0", ""])
def test_where_none_was_its_build_is_gone_on_with(now: str, pending: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """An older one is the newest where 1.1.0 was yanked."""
    decision, status, begun = run(pending, monkeypatch, now, now)
    assert (decision.became, status, begun) == ("the gate refused", 3, [NAME])
