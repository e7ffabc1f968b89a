"""What people and machines get wrong is told with its place and its remedy, and nothing is half done by it."""

from __future__ import annotations

import errno
import json
import os
import re
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from factory.__main__ import main
from factory.services.process import free_port
from factory.stages import STAGES
from factory.teacher import server
from tests import shop, tiny_encoder
from tests.conftest import NAME, Factory

Run = Callable[..., str]


@pytest.fixture
def base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A specialist's files under `prompts` and `gold`, an empty `home`; settings that name them."""
    for name in ("HOME", "PROMPTS", "GOLD", "SEED"):
        monkeypatch.setenv(f"FACTORY_{name}", str(tmp_path / name.lower()))
    monkeypatch.setenv("FACTORY_HUB", str(tmp_path / "home" / "hub"))
    monkeypatch.setenv("FACTORY_TEACHER_URL", f"http://127.0.0.1:{free_port()}/v1")
    monkeypatch.setenv("FACTORY_REVIEW", "jsonl")
    shop.make_specialist(tmp_path / "prompts" / NAME, tmp_path / "gold", {})
    return tmp_path


@pytest.fixture
def fails(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command that must end with 1, and return what it said: what is wrong, where, and often what to do."""

    def run(*arguments: str) -> str:
        assert main(arguments or ("build", NAME)) == 1
        said = capsys.readouterr().err
        assert "error: " in said and "\n  where: " in said and "Traceback" not in said
        return said

    return run


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def spec_file(base: Path) -> Path:
    return base / "prompts" / NAME / "spec.yaml"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("title: ", "title: [", "can't be read"),
        ("  money:", "  parcel:", "`parcel` is named twice"),
        ("kind: classification", "kind: poetry", "kind: Input should be 'classification'"),
        ("purpose:", "porpoise:", "porpoise: unknown key"),
    ],
)
def test_a_spec_that_is_not_right(base: Path, fails: Run, old: str, new: str, said: str) -> None:
    edit(spec_file(base), old, new)
    message = fails()
    assert said in message and str(spec_file(base)) in message
    assert not (base / "home").exists()


def test_a_template_that_is_not_jinja(base: Path, fails: Run) -> None:
    template = base / "prompts" / NAME / "generate.jinja"
    template.write_text("Write {{ count }\n")
    assert f"{template}:1" in fails("forecast", NAME)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "The gold set is empty"),
        ('{"id": "1", "text": "hello", "label": "weather"}\n', "label 'weather', which the spec does not declare"),
        ('{"id": "1", "text": "hello"}\n', "lacks label"),
        ('{"id": "1", \n', "not JSON"),
        (None, "let FACTORY_GOLD name the folder that has them"),
    ],
)
def test_gold_rows_that_cannot_be_used_are_told_before_anything_is_paid_for(
    base: Path, fails: Run, content: str | None, said: str
) -> None:
    gold = base / "gold" / "test" / "shop" / "validation.jsonl"
    gold.unlink()
    if content is not None:
        gold.write_text(content)
    message = fails()  # the teacher's address is wrong too, and would be told if it were asked first
    assert said in message and str(gold) in message


def test_a_slip_in_what_later_stages_read_is_told_before_anything_is_paid_for(base: Path, fails: Run) -> None:
    folder, reviewed = base / "prompts" / NAME, base / "gold" / "test" / "shop" / "reviewed.jsonl"
    edit(folder / "policy.md", "## In short", "## In a word")
    assert "no section `## In short`" in fails()
    edit(folder / "policy.md", "## In a word", "## In short")
    edit(folder / "judge.jinja", "{{ text }}", "{{ texts }}")
    assert "judge.jinja" in fails()
    edit(folder / "judge.jinja", "{{ texts }}", "{{ text }}")
    edit(reviewed, '"label": "parcel"', '"label": "parcels"')
    assert f"{reviewed}:" in fails()
    edit(reviewed, '"label": "parcels"', '"label": "parcel"')
    assert "teacher" in fails()  # the next thing that is wrong


def test_a_missing_file_of_texts_names_the_setting(base: Path, fails: Run) -> None:
    (base / "gold" / "test" / "shop" / "unlabelled.jsonl").unlink()
    assert "FACTORY_GOLD" in fails()


@pytest.mark.parametrize("name", ["FACTORY_TEACHER_PORT", "FACTORY_HUB_PORT"])
def test_a_port_that_is_no_number(base: Path, fails: Run, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "eighty")
    message = fails("list")
    assert name in message and "eighty" in message


def test_nobody_at_the_teachers_address(base: Path, fails: Run) -> None:
    message = fails()
    assert "The teacher can't be reached" in message and "FACTORY_TEACHER_URL" in message
    assert "http://127.0.0.1:" in message


@pytest.fixture
def local(base: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A teacher that is to be started here, from a folder of weights; until its environment is there it can't be."""
    weights = tiny_encoder.make(base / "weights", ["some words"])
    edit(spec_file(base), "model: loopback", f"model: {weights}")
    edit(spec_file(base), "gate:", f"student:\n  encoder: {weights}\ngate:")
    monkeypatch.setenv("FACTORY_TEACHER_URL", "")
    monkeypatch.setenv("FACTORY_ENVIRONMENTS", str(base / "environments"))
    return base


def test_no_environment_for_the_teacher(local: Path, fails: Run) -> None:
    message = fails()
    assert "The teacher's environment isn't there" in message and "make setup" in message
    assert str(local / "environments" / "teacher") in message


def test_the_teachers_port_is_in_use(local: Path, fails: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "_STRANGE", 0.5)
    python = local / "environments" / "teacher" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    with HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as other:
        port = other.server_address[1]
        monkeypatch.setenv("FACTORY_TEACHER_PORT", str(port))
        threading.Thread(target=other.serve_forever, daemon=True).start()
        message = fails()
        other.shutdown()
    assert f"Port {port} is used by something that isn't this teacher" in message
    assert "FACTORY_TEACHER_PORT" in message


def test_a_home_that_is_a_file(base: Path, fails: Run) -> None:
    (base / "home").write_text("not a folder")
    message = fails()
    assert "file where a folder must be" in message and str(base / "home") in message
    assert (base / "home").read_text() == "not a folder"


def test_an_unknown_place_for_review(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from factory.errors import FactoryError
    from factory.settings import load
    from factory.stages.answers import backend

    monkeypatch.setenv("FACTORY_REVIEW", "paper")
    where = load()
    with pytest.raises(FactoryError, match="FACTORY_REVIEW is 'paper'") as caught:
        backend(where)
    assert "argilla" in caught.value.fix


def test_a_disk_that_is_full_costs_nothing_that_is_done(
    base: Path, fails: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    real = os.fsync
    calls = iter(range(100))

    def full(descriptor: int) -> None:
        if next(calls) >= 2:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(descriptor)

    with monkeypatch.context() as patch:
        patch.setattr("factory.files.os.fsync", full)
        message = fails("build", NAME, "--until", "plan")
    assert "The disk is full" in message and "run the same command again" in message
    assert not list((base / "home").rglob("inputs.json"))
    assert main(["build", NAME, "--until", "plan"]) == 0
    assert "requests: 9" in capsys.readouterr().out


@pytest.fixture
def strange(factory: Factory) -> Iterator[Factory]:
    yield factory
    factory.teacher.server.failures.clear()


@pytest.mark.real
def test_a_teacher_that_answers_html_and_is_then_mended(strange: Factory, tmp_path: Path) -> None:
    there = strange.elsewhere(tmp_path / "home")
    strange.teacher.server.failures[:] = ["html"] * 9
    ended = there.run("build", NAME, "--until", "write")
    assert ended.returncode == 1, ended.stdout
    assert "did not answer 9 of 9 questions" in ended.stdout and "Welcome to nginx!" in ended.stdout
    assert "FACTORY_TEACHER_URL" in ended.stdout and "Traceback" not in ended.stdout
    assert not list((there.home / "builds" / NAME / "write").glob("[!.]*"))
    mended = there.run("build", NAME, "--until", "write")
    assert mended.returncode == 0, mended.stdout
    assert "rows written: 36" in mended.stdout


@pytest.mark.real
def test_a_hub_that_is_a_file_and_is_then_mended(built: Factory, tmp_path: Path) -> None:
    hub = tmp_path / "hub"
    hub.write_text("not a folder")
    ended = built.run("build", NAME, FACTORY_HUB=str(hub))
    assert ended.returncode == 1, ended.stdout
    assert re.search(r"error: .*(folder|directory)", ended.stdout, re.IGNORECASE) and str(hub) in ended.stdout
    assert "Traceback" not in ended.stdout
    assert hub.read_text() == "not a folder"
    hub.unlink()
    mended = built.run("build", NAME, FACTORY_HUB=str(hub))
    assert mended.returncode == 0, mended.stdout
    assert mended.stdout.count("(was there)") == len(STAGES) - 1
    assert json.loads((hub / NAME / "1.0.0" / "manifest.json").read_text())["version"] == "1.0.0"


@pytest.mark.real
def test_a_budget_that_buys_no_row_is_told(factory: Factory, tmp_path: Path) -> None:
    there = factory.elsewhere(tmp_path / "home")
    none = {"generate": 0, "label": 0, "judge": 0, "review": 0}
    name = there.specialist("test/nothing", budgets={"quick": none, "full": none})
    ended = there.run("build", name, "--until", "dataset")
    assert ended.returncode == 1, ended.stdout
    assert "error: There are no rows to make a dataset of" in ended.stdout and "Raise `generate`" in ended.stdout
    assert "Traceback" not in ended.stdout
