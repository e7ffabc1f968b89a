"""What a published model of each kind answered, as it is printed."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

import zoo
from factory import settings as environment
from factory.services import __main__ as services
from flows import build, refresh, review, terminal, weights
from tests import shop
from tests.conftest import NAME
from zoo.errors import BadInput


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (zoo.Answer("lost", 0.97, unsure=False), ["lost  97%"]),
        (zoo.Answer("lost", 0.4, unsure=True), ["lost  40%  (unsure: below its threshold)"]),
        ([zoo.Span("Food", 0, 3, "rye", 0.9, unsure=False)], ["Food [0:3] 'rye'  90%"]),
        ([], ["nothing"]),
        (
            zoo.Extracted({"law": "Oregon"}, 0.8, {"law": 0.9, "due": 0.7}, unsure=False, complete=True),
            ["law: 'Oregon'  90%", "all of it  80%"],
        ),
        (zoo.Extracted({}, 0.8, {"law": 0.9}, unsure=False, complete=True), ["nothing", "all of it  80%"]),
        (
            zoo.Written("Can I eat it?", 0.6, unsure=True, complete=True),
            ["'Can I eat it?'  60%  (unsure: below its threshold)"],
        ),
    ],
)
def test_an_answer_of_any_kind_is_told(answer: Any, told: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    terminal.answers("test/kind", [("May I eat it?", answer)])
    said = capsys.readouterr().out.splitlines()
    assert "'May I eat it?'" in said[2]
    assert [line.strip() for line in said[3:]] == told


def test_an_error_of_the_zoo_is_told_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    def work() -> int:
        raise BadInput("This is no log.", fix="Name another.")

    assert terminal.ended(work) == 1
    assert "This is no log.\n  fix:   Name another." in capsys.readouterr().err


def test_what_is_published_is_published_though_it_can_not_be_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As where ZOO_SIGNED_BY names a key, and nobody signed it."""
    shop.make_specialist(tmp_path / "prompts" / NAME, tmp_path / "gold", {})
    places = {"home": tmp_path / "home", "prompts": tmp_path / "prompts", "gold": tmp_path / "gold"}
    here = dataclasses.replace(environment.load(), **places)

    def unsigned(*_: object, **__: object) -> None:
        raise BadInput("Nobody signed it.")

    monkeypatch.setattr(build.environment, "load", lambda: here)
    monkeypatch.setattr(build, "_build", lambda *_: True)
    monkeypatch.setattr(zoo, "load", unsigned)
    assert terminal.ended(lambda: build.run(NAME, "quick", force=False)) == 0
    assert "The published model was not asked:\nNobody signed it." in capsys.readouterr().out


@pytest.mark.parametrize(
    "command",
    [
        lambda: services.main(["zoo", "status"]),
        lambda: services.main(["all", "status"]),
        lambda: build.main([NAME]),
        lambda: refresh.main([NAME]),
        lambda: weights.main([NAME]),
        review.main,
    ],
)
def test_a_port_that_is_none_is_told_in_words(
    command: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FACTORY_ZOO_PORT", "abc")
    assert command() == 1
    assert "'abc' is no port.\n  where: FACTORY_ZOO_PORT" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("log", "why"),
    [
        ("postgresql://app:s3cret@db.example/audit", "holds a password"),
        ("postgresql://app@db.example/audit?password=s3cret", "holds a password"),
        ("postgresql://db.example/audit?sslpassword=s3cret&sslmode=verify-full", "holds a password"),
        ("postgresql://app:s3cret@[/db", "can't be read"),
    ],
)
def test_no_password_becomes_a_parameter_that_prefect_shows(
    log: str, why: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(refresh.engine, "connect", lambda _: pytest.fail("a run was begun"))
    assert refresh.main([NAME, "--log", log]) == 1
    out = capsys.readouterr()
    assert why in out.err and "s3cret" not in out.err + out.out


def test_logs_without_a_password_are_passed_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    passed: list[object] = []
    monkeypatch.setattr(refresh.engine, "connect", lambda _: None)
    monkeypatch.setattr("flows.deployed.refresh", lambda *given: passed.extend(given) or 0)
    url = "postgresql://app@db.example/audit?sslmode=verify-full"
    monkeypatch.chdir(tmp_path)
    assert refresh.main([NAME, "--log", url, "--log", "log"]) == 0
    assert passed[1] == [url, str(tmp_path / "log")]
