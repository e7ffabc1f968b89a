"""A forecast says what a budget's limits will do to a build before anything is spent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from factory import settings
from factory import spec as specs
from factory.forecast import Work, forecast, limits
from factory.generate import shots
from factory.settings import Settings
from factory.spec import Spec
from tests import lost, registry, shop


@pytest.fixture
def where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    for name in ("HOME", "PROMPTS", "GOLD", "SEED"):
        monkeypatch.setenv(f"FACTORY_{name}", str(tmp_path / name.lower()))
    return settings.load()


def make(where: Settings, budget: dict[str, Any] | None = None, **changes: Any) -> Spec:
    usual = {"generate": 36, "label": 12, "judge": 30, "review": 30, "epochs": 3}
    quick = {**usual, **(budget or {})}
    shop.make_specialist(
        where.prompts / "test/shop", where.gold, {"budgets": {"quick": quick, "full": usual}, **changes}
    )
    return specs.load("test/shop", where.prompts)


def test_without_limits_there_is_nothing_to_say(where: Settings) -> None:
    spec = make(where)
    assert limits(spec, "quick", forecast(spec, "quick", where)) == []


def test_each_limit_is_told_with_what_it_takes(where: Settings) -> None:
    spec = make(where, {"max_tokens": 100_000_000, "max_cost": 0.0001, "max_time": 0.001})
    fits, cost, time = limits(spec, "quick", forecast(spec, "quick", where))
    assert fits.startswith("max_tokens is 100,000,000 tokens") and fits.endswith("it fits.")
    assert "max_cost" in cost and "it will stop at about" in cost
    assert "max_time" in time and "minutes" in time


def test_prices_of_the_spec_are_what_is_paid(where: Settings) -> None:
    spec = make(where, teacher={"model": "loopback", "rows_per_request": 4, "prices": {"read": 0.0, "written": 1.0}})
    for work in forecast(spec, "quick", where):
        assert work.dollars == work.written / 1e6


def test_every_prompt_is_billed_in_full_though_a_server_reads_what_they_share_once(where: Settings) -> None:
    spec = make(where)
    work = {item.name: item for item in forecast(spec, "quick", where)}
    assert work["judge"].billed > work["judge"].read
    assert work["write"].billed == work["write"].read
    assert Work("none", 0, 0, 0).dollars == 0


def test_strategies_are_forecast_by_their_own_prompts(where: Settings) -> None:
    mix = {"label": 0.25, "seed_grounded": 0.25, "few_shot": 0.25, "contrastive": 0.25}
    spec = make(where, strategies=mix, refill=True)
    mixed = forecast(spec, "quick", where)[0]
    alone = forecast(spec.model_copy(update={"strategies": {"label": 1.0}}), "quick", where)[0]
    assert mixed.requests == alone.requests and mixed.read > alone.read  # the built-in templates say more
    (told,) = limits(spec, "quick", [mixed])
    assert "up to 3 times" in told


def test_every_judge_is_counted(where: Settings) -> None:
    spec = make(where)
    alone = {item.name: item for item in forecast(spec, "quick", where)}
    more = spec.model_copy(update={"judges": ["one", "two", "three"]})
    three = {item.name: item for item in forecast(more, "quick", where)}
    assert three["judge"].requests == 3 * alone["judge"].requests
    assert three["judge"].billed == pytest.approx(3 * alone["judge"].billed, abs=3)
    assert three["write"] == alone["write"]


def test_answers_are_asked_for_several_times_and_marked(where: Settings) -> None:
    lost.make_specialist(where.prompts / "test/lost", where.gold, {})
    spec = specs.load("test/lost", where.prompts)
    work = {item.name: item for item in forecast(spec, "quick", where)}
    assert list(work) == ["write", "answer", "mark", "measure the teacher", "show it people's rows"]
    assert work["answer"].requests == 3 * (24 + 24)  # rows for people and real texts, each once and twice by chance
    assert work["answer"].billed > work["answer"].read
    assert work["mark"].requests == 80 + 2 * 24 and work["mark"].written == work["mark"].requests
    limited = spec.model_copy(
        update={"budgets": {"quick": spec.budget("quick").model_copy(update={"max_tokens": 10_000_000})}}
    )
    (told,) = limits(limited, "quick", list(work.values()))
    measuring, showing = work.pop("measure the teacher"), work.pop("show it people's rows")  # which no budget limits
    gold = len((where.gold / spec.gold / "validation.jsonl").read_text().splitlines())
    assert (measuring.requests, showing.requests) == (2 * gold, min(gold, shots.ASKED))
    assert showing.billed > measuring.billed / 2 and showing.read < showing.billed
    assert f"{sum(item.billed + item.written for item in work.values()):,.0f}" in told


def test_rows_that_the_teacher_is_shown_cost_tokens(where: Settings) -> None:
    registry.make_specialist(where.prompts / "test/registry", where.gold, {})
    spec = specs.load("test/registry", where.prompts)
    shown = spec.model_copy(update={"teacher": spec.teacher.model_copy(update={"shots": True})})
    (alone, beside) = ({one.name: one for one in forecast(some, "quick", where)}["read out"] for some in (spec, shown))
    assert beside.requests == alone.requests and beside.written == alone.written and beside.billed > alone.billed
