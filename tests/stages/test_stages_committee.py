"""Several judges: one is stopped before the next is started; who was not asked has no say; their order is none."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from factory import settings
from factory import spec as specs
from factory.errors import SpecError, TeacherError
from factory.generate.committee import DEFAULT, FEWEST, Array, Voters
from factory.progress import Progress
from factory.settings import Settings
from factory.spec import Spec
from factory.stages import Build
from factory.stages.ballot import _pool
from factory.teacher import server, weights
from factory.teacher.chat import Endpoint
from tests import shop

WRITER, SMALL, TINY = "qwen2.5-coder-1.5b-instruct", "qwen2.5-coder-0.5b-instruct", "smollm2-135m-instruct"


@pytest.fixture
def where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.delenv("FACTORY_TEACHER_URL", raising=False)
    for name in ("HOME", "PROMPTS", "GOLD", "SEED"):
        monkeypatch.setenv(f"FACTORY_{name}", str(tmp_path / name.lower()))
    return settings.load()


def make(where: Settings, *judges: str, name: str = "test/shop") -> Spec:
    changes = {"judges": list(judges), "teacher": {"model": WRITER}}
    shop.make_specialist(where.prompts / name, where.gold, changes)
    return specs.load(name, where.prompts)


@pytest.fixture
def events(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What happens to servers, in order."""
    told: list[str] = []

    @contextmanager
    def connect(model: str, settings: Settings, progress: Progress) -> Iterator[Endpoint]:
        told.append(f"start {model}")
        yield Endpoint("http://127.0.0.1:9/v1", model, weights.identity(model, settings))
        told.append(f"stop {model}")

    monkeypatch.setattr(server, "connect", connect)
    return told


def test_one_model_is_stopped_before_the_next_is_started(where: Settings, events: list[str]) -> None:
    with Build(make(where, TINY, SMALL, WRITER), "quick", where) as build:
        build.endpoint.reach()
        for judge in build.judges:
            assert judge.reach().model == judge.identity.split("@")[0]
            judge.reach()
        build.endpoint.reach()
    around = [f"{what} {model}" for model in (WRITER, SMALL, TINY, WRITER) for what in ("start", "stop")]
    assert events == around  # the writer, which runs already, judges first


def test_the_order_in_a_spec_is_none(where: Settings, events: list[str]) -> None:
    one = Build(make(where, TINY, SMALL), "quick", where)
    other = Build(make(where, SMALL, TINY, name="test/again"), "quick", where)
    assert [judge.identity for judge in one.judges] == [judge.identity for judge in other.judges]
    assert len(one.judges) == 2 and events == []


def test_without_judges_the_teacher_judges(where: Settings, events: list[str]) -> None:
    build = Build(make(where), "quick", where)
    assert [judge.identity for judge in build.judges] == [build.teacher]
    assert build.judges[0] is build.endpoint


def test_a_judge_that_is_no_model_is_told_before_anything_is_paid_for(where: Settings, events: list[str]) -> None:
    with Build(make(where, TINY, "gpt"), "quick", where) as build, pytest.raises(TeacherError) as caught:
        build.run("plan")
    assert "There is no model 'gpt'" in str(caught.value) and TINY in str(caught.value)
    assert events == []


def test_two_names_for_the_same_weights_are_one_judge_too_many(where: Settings, tmp_path: Path) -> None:
    for copy in ("a", "b"):
        (tmp_path / copy / "model").mkdir(parents=True)
        (tmp_path / copy / "model" / "config.json").write_text("{}")
    build = Build(make(where, *(str(tmp_path / copy / "model") for copy in ("a", "b"))), "quick", where)
    with pytest.raises(SpecError, match="Two of the judges are the same model"):
        _ = build.judges


def votes(rng: np.random.Generator, rows: int, silent: Array) -> Array:
    p = rng.dirichlet(np.ones(3), rows).astype(np.float32)
    found: Array = np.where(silent[:, None], 0.0, np.log(p + 1e-6)).astype(np.float32)
    return found


@given(st.integers(0, 1000), st.floats(0.0, 1.0))
@hypothesis_settings(max_examples=12)
def test_a_row_is_decided_by_those_who_read_it(seed: int, share: float) -> None:
    """Where a judge was silent, the pool is what it would be had that judge never been asked about anything."""
    rng, rows = np.random.default_rng(seed), FEWEST + 30
    silent = {name: rng.random(rows) < share for name in ("judge a@1", "judge b@2")}
    members = {name: votes(rng, rows, quiet) for name, quiet in silent.items()}
    members["definitions"] = votes(rng, rows, np.zeros(rows, bool))
    known = {row: int(label) for row, label in enumerate(rng.integers(0, 3, FEWEST + 10))}
    p = _pool(Voters(members), known)[1]
    assert np.allclose(p.sum(axis=1), 1.0, atol=1e-4)
    nobody = silent["judge a@1"] & silent["judge b@2"]
    without = _pool(Voters({**members, **{name: np.zeros_like(members[name]) for name in silent}}), known)[1]
    assert np.allclose(p[nobody], without[nobody], atol=1e-4)
    alone = _pool(Voters({**members, "judge b@2": np.zeros_like(members["judge b@2"])}), known)[1]
    first = ~silent["judge a@1"] & silent["judge b@2"]
    assert np.allclose(p[first], alone[first], atol=1e-4)


@pytest.mark.parametrize(("judged", "fitted_to"), [(1.0, FEWEST + 10), (0.6, FEWEST + 10), (0.0, FEWEST + 20)])
def test_the_weights_that_are_told_are_fitted_ones(judged: float, fitted_to: int) -> None:
    rng, rows = np.random.default_rng(1), 200
    silent = np.arange(rows) >= judged * rows
    silent[FEWEST + 10 : FEWEST + 20] = True  # ten of those that people labelled
    members = {"teacher": votes(rng, rows, silent), "definitions": votes(rng, rows, np.zeros(rows, bool))}
    known = {row: int(label) for row, label in enumerate(rng.integers(0, 3, FEWEST + 20))}
    weights = _pool(Voters(members), known)[0]
    assert weights.fitted_to == fitted_to
    assert (weights.exponents["definitions"] != DEFAULT["definitions"]) and weights.exponents["teacher"] != 0


@given(st.integers(0, 1000))
@hypothesis_settings(max_examples=8)
def test_the_order_of_judges_does_not_change_what_the_committee_says(seed: int) -> None:
    rng, rows = np.random.default_rng(seed), FEWEST + 30
    members = {name: votes(rng, rows, rng.random(rows) < 0.1) for name in ("judge a@1", "judge b@2", "judge c@3")}
    members["definitions"] = votes(rng, rows, np.zeros(rows, bool))
    known = {row: int(label) for row, label in enumerate(rng.integers(0, 3, FEWEST + 10))}
    one = _pool(Voters(members), known)[1]
    other = _pool(Voters(dict(reversed(members.items()))), known)[1]
    assert np.allclose(one, other, atol=2e-3)
