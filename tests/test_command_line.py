"""`python -m factory`: what each command says, and how it ends."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from factory import settings
from factory import spec as specs
from factory.__main__ import main
from factory.forecast import Work, forecast
from factory.generate.plan import plan
from factory.lineage.ledger import FILE, HEAD
from factory.row import read_rows
from tests import shop
from tests.conftest import NAME, Factory

ROOT = Path(__file__).parents[1]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A FACTORY_HOME with one specialist and nothing built; in this process."""
    for name in ("HOME", "PROMPTS", "GOLD", "SEED"):
        monkeypatch.setenv(f"FACTORY_{name}", str(tmp_path / name.lower()))
    monkeypatch.setenv("FACTORY_TEACHER_URL", "http://127.0.0.1:9/v1")
    monkeypatch.setenv("FACTORY_REVIEW", "jsonl")
    monkeypatch.delenv("FACTORY_HUB", raising=False)
    shop.make_specialist(tmp_path / "prompts" / NAME, tmp_path / "gold", {})
    return tmp_path / "home"


def test_list_names_every_specialist(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list"]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert line.split() == [NAME, "3", "labels", *["What", "a", "shop's", "customer", "writes", "about"]]


def test_show_tells_the_declaration(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", NAME]) == 0
    out = capsys.readouterr().out
    for part in (
        f"{NAME}#",
        "What is the message about?",
        "parcel",
        "tone",
        "calm, angry",
        "quick",
        "accuracy at least",
    ):
        assert part in out
    assert "generate 36" in out


def test_into_a_closed_pipe(home: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "factory", "show", NAME]
    with os.fdopen(writing, "wb") as closed:
        done = subprocess.run(command, cwd=ROOT, stdout=closed, stderr=subprocess.PIPE, text=True)
    assert (done.returncode, done.stderr) == (1, "")


def test_plan_tells_how_the_rows_spread(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", NAME]) == 0
    out = capsys.readouterr().out
    assert "9 requests, 36 rows" in out
    shares = {line.split()[1]: line.split()[-1] for line in out.splitlines() if line.startswith("  label")}
    assert shares == dict.fromkeys(shop.WORDS, "33.3%")


def test_plan_misses_gold_before_it_asks_where_people_answer(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def asked(where: object) -> None:
        pytest.fail("the place where people answer was started")

    monkeypatch.setenv("FACTORY_PROMPTS", str(tmp_path / "looking"))
    looks = {"strategies": {"few_shot": 1.0}, "unlabelled": None, "gold": "none"}  # at rows that people decided
    shop.make_specialist(tmp_path / "looking" / NAME, tmp_path / "gold", looks)
    monkeypatch.setattr("factory.stages.sources.backend", asked)
    assert main(["plan", NAME]) == 1
    assert str(tmp_path / "gold" / "none") in capsys.readouterr().err


def test_forecast_counts_what_the_stages_will_ask(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["forecast", NAME]) == 0
    out = capsys.readouterr().out
    requests = {line.split("  ")[0]: line.split() for line in out.splitlines()}
    assert requests["write"][1] == "9"
    assert requests["judge"][1] == "30"
    assert requests["measure the teacher"][3] == "120"  # by two prompts
    assert not home.exists()  # nothing is spent, not even a file


def test_a_larger_budget_is_forecast_to_cost_more(home: Path) -> None:
    where = settings.load()
    spec = specs.load(NAME, where.prompts)
    found = forecast(spec, "quick", where)
    cells = plan(spec, spec.budget("quick"))
    write = next(work for work in found if work.name == "write")
    assert (write.requests, write.written) == (len(cells), 36 * spec.teacher.tokens_per_row)
    assert all(work.seconds > 0 and work.dollars > 0 for work in found)
    larger = spec.model_copy(update={"budgets": {"quick": spec.budget("quick").model_copy(update={"generate": 360})}})
    assert sum(work.seconds for work in forecast(larger, "quick", where)) > sum(work.seconds for work in found)


def test_nothing_costs_nothing() -> None:
    assert Work("write", 0, 0, 0).seconds == Work("write", 0, 0, 0).dollars == 0


@pytest.mark.parametrize(
    "arguments", [[], ["bake"], ["build"], ["build", NAME, "--budget", "huge"], ["build", NAME, "--until", "lunch"]]
)
def test_wrong_usage_ends_with_2(home: Path, capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert "usage: python -m factory" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["show", "plan", "forecast", "build"])
def test_an_unknown_specialist_ends_with_1(home: Path, capsys: pytest.CaptureFixture[str], command: str) -> None:
    assert main([command, "test/shoe"]) == 1
    err = capsys.readouterr().err
    assert err.startswith("error: There is no specialist named 'test/shoe'.")
    assert NAME in err


def test_build_until_a_stage_makes_no_more(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["build", NAME, "--until", "plan"]) == 0
    assert "requests: 9" in capsys.readouterr().out
    assert sorted(path.name for path in (home / "builds" / NAME).iterdir()) == [HEAD, FILE, "plan"]
    assert main(["build", NAME, "--until", "plan"]) == 0
    assert "plan (was there): " in capsys.readouterr().out


def test_ctrl_c_says_how_to_go_on(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("factory.stages.Build.run", interrupted)
    assert main(["build", NAME]) == 130
    assert "Run the same command again" in capsys.readouterr().err


def test_explain_without_any_build_is_told(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "0123"]) == 1
    assert "There is no row '0123'" in capsys.readouterr().err


@pytest.mark.real
def test_explain_tells_a_rows_whole_life(built: Factory) -> None:
    kept = next(row for row in read_rows(built.stage("review") / "kept.jsonl") if row.origin == "generated")
    dropped = read_rows(built.stage("clean") / "dropped.jsonl")[0]
    ended = built.run("explain", kept.id)
    assert ended.returncode == 0
    assert kept.lineage.cell in ended.stdout and kept.lineage.reply in ended.stdout
    assert f"{built.stage('review').name}/kept.jsonl" in ended.stdout and "Kept." in ended.stdout
    shorter = built.run("explain", dropped.id[:12])
    assert f"Dropped by {dropped.verdicts[-1].check}" in shorter.stdout


@pytest.mark.real
def test_rows_that_a_build_waits_for_are_pushed_and_it_says_that_it_waits(factory: Factory) -> None:
    small = {"generate": 12, "label": 12, "judge": 12, "review": 6, "measure_teacher": 0}
    spec = factory.specialist("test/asks", review="required", budgets={"quick": small, "full": small})
    without_answers = {"FACTORY_SIMULATE_REVIEW": "0"}
    pushed = factory.run("review", spec, "push", **without_answers)
    assert pushed.returncode == 0, pushed.stdout
    assert f"The rows are at {factory.home / 'review' / spec / 'v1'}" in pushed.stdout
    built = factory.run("build", spec, "--until", "dataset", **without_answers)
    assert built.returncode == 4, built.stdout
    assert "People have answered 0 of 6 rows" in built.stdout and "Traceback" not in built.stdout


@pytest.mark.real
def test_review_is_pushed_answered_and_pulled(built: Factory, tmp_path: Path) -> None:
    pushed = built.run("review", NAME, "push")
    assert pushed.returncode == 0, pushed.stdout
    place = built.home / "review" / NAME / "v1"
    shown = [json.loads(line) for line in (place / "to_review.jsonl").read_text().splitlines()]
    assert f"{len(shown)} rows are at {place}" in pushed.stdout
    answers = [{"row_id": shown[0]["row_id"], "label": "money"}, {"row_id": shown[1]["row_id"], "label": "mony"}]
    try:
        (place / "answers.jsonl").write_text("".join(json.dumps(answer) + "\n" for answer in answers))
        pulled = built.run("review", NAME, "pull")
    finally:
        (place / "answers.jsonl").unlink()
    assert pulled.returncode == 0, pulled.stdout
    assert "1 answers to 1 rows" in pulled.stdout
    assert "answers.jsonl:2" in pulled.stdout and "mony" in pulled.stdout


@pytest.mark.real
def test_a_gate_that_is_not_passed_ends_with_3_and_publishes_nothing(built: Factory) -> None:
    strict = built.specialist("test/strict", gate=[{"at_least": 1.0}])
    ended = built.run("build", strict)
    assert ended.returncode == 3, ended.stdout
    assert "error: test/strict did not pass its gate" in ended.stdout and "report.html" in ended.stdout
    assert "Traceback" not in ended.stdout
    assert not (built.home / "hub" / strict).exists() and not (built.home / "hub" / "datasets" / strict).exists()
    forced = built.run("build", strict, "--force")
    assert forced.returncode == 0, forced.stdout
    card = (built.home / "hub" / strict / "1.0.0" / "README.md").read_text()
    assert "gate" in card.lower() and "forced" in (built.home / "hub" / strict / "1.0.0" / "manifest.json").read_text()
