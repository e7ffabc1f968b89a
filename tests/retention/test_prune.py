"""What is needed stays, what is not goes, and a kill in between leaves nothing half removed that looks whole."""

from __future__ import annotations

import dataclasses
import multiprocessing
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory import alone as locks
from factory import settings as environment
from factory import stage
from factory.__main__ import main
from factory.alone import alone
from factory.errors import DataError, ServiceError
from factory.feedback import decide
from factory.files import write_json
from factory.lineage import ledger
from factory.lineage.verify import verify
from factory.retention import logs
from factory.retention.prune import names, plan, prune, remove
from factory.review import waiting
from factory.services.prefect import PrefectServer
from factory.settings import Settings
from factory.stage import Output

NAME = "test/shop"
NOW = datetime(2026, 6, 1, tzinfo=UTC)
DAYS = 30
CHAIN = ("plan", "clean", "dataset", "train", "publish")


def at(home: Path) -> Settings:
    return dataclasses.replace(environment.load(), home=home, hub=str(home / "hub"))


@pytest.fixture
def here(tmp_path: Path) -> Settings:
    return at(tmp_path / "home")


def age(path: Path, days: float) -> None:
    moment = (NOW - timedelta(days=days)).timestamp()
    os.utime(path, (moment, moment))


def build(where: Settings, choices: Sequence[int], days: float, until: str = CHAIN[-1]) -> list[Output]:
    """A build so many days ago: a stage is made of the one before it and of a choice."""
    root, outputs = where.builds / NAME, list[Output]()
    for name, choice in zip(CHAIN[: CHAIN.index(until) + 1], choices, strict=False):
        inputs = {"choice": choice, **({"from": outputs[-1]} if outputs else {})}
        outputs.append(stage.run(root, name, inputs, lambda out: (out / "rows.jsonl").write_text("{}\n") and None))
        ledger.enter(root, outputs[-1])
        age(outputs[-1].path, days)
    return outputs


def there(where: Settings) -> set[Path]:
    return set((where.builds / NAME).glob("[!.]*/[!.]*"))


one_build = st.tuples(st.lists(st.integers(0, 2), min_size=5, max_size=5), st.integers(0, 90), st.sampled_from(CHAIN))
builds = st.lists(one_build, min_size=1, max_size=7, unique_by=lambda one: one[1])


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("prune")


@given(builds)
@hypothesis.settings(max_examples=30)
def test_versions_and_the_last_build_stay_whole_and_nothing_else_that_is_old(
    scratch: Path, made: list[tuple[list[int], int, str]]
) -> None:
    made.sort(key=lambda one: -one[1])
    with tempfile.TemporaryDirectory(dir=scratch) as home:
        where = at(Path(home))
        outputs = [[one.path for one in build(where, *asked)] for asked in made]
        before = there(where)
        young = {path for path in before if path.stat().st_mtime >= (NOW - timedelta(days=DAYS)).timestamp()}
        versions = {path for one in outputs if one[-1].parent.name == "publish" for path in one}
        last = {
            path for at in range(5) for path in next((one for one in reversed(outputs) if len(one) > at), [])[: at + 1]
        }
        listed = plan(NAME, where, DAYS, NOW)
        assert there(where) == before  # to list removes nothing
        gone = prune(NAME, where, DAYS, NOW)
        assert gone == listed and {one.path for one in gone.unneeded} == before - there(where)
        assert there(where) == young | versions | last
        assert all(one.reused for one in build(where, *made[-1]))
        assert not verify(where.builds / NAME).problems
        assert not prune(NAME, where, DAYS, NOW).unneeded


class Killed(BaseException):
    """As a kill is: nothing catches it."""


@given(builds, st.integers(0, 40), st.booleans())
@hypothesis.settings(max_examples=30)
def test_a_kill_at_any_step_leaves_folders_whole_or_gone(
    scratch: Path, made: list[tuple[list[int], int, str]], step: int, between: bool
) -> None:
    """A kill comes before a rename, or in the middle of removing a folder: after its first file."""
    with tempfile.TemporaryDirectory(dir=scratch) as home, pytest.MonkeyPatch.context() as patch:
        where = at(Path(home))
        for one in made:
            build(where, *one)
        with tempfile.TemporaryDirectory(dir=scratch) as other:
            shutil.copytree(where.home, Path(other) / "home")
            unkilled = at(Path(other) / "home")
            prune(NAME, unkilled, 0, NOW + timedelta(days=1))
            left = {path.relative_to(unkilled.home) for path in there(unkilled)}
        steps = iter(range(step + 1))
        rename, rmtree = Path.rename, shutil.rmtree

        def killed() -> None:
            if next(steps, None) is None:
                raise Killed

        def renamed(path: Path, to: Path) -> Path:
            killed()
            return rename(path, to)

        def removed(path: Path) -> None:
            if between:
                (path / "inputs.json").unlink()
            killed()
            rmtree(path)

        patch.setattr(Path, "rename", renamed)
        patch.setattr("factory.retention.prune.shutil.rmtree", removed)
        with suppress(Killed):
            prune(NAME, where, 0, NOW + timedelta(days=1))
        patch.undo()
        assert all({one.name for one in path.iterdir()} == {"inputs.json", "rows.jsonl"} for path in there(where))
        assert not verify(where.builds / NAME).problems
        prune(NAME, where, 0, NOW + timedelta(days=1))
        assert {path.relative_to(where.home) for path in there(where)} == left
        assert not list((where.builds / NAME).glob("*/.*"))


def test_a_stage_that_is_found_again_is_young_again(here: Settings) -> None:
    old, _ = build(here, [1] * 5, 60, "dataset"), build(here, [2] * 5, 50, "dataset")
    assert {one.path for one in plan(NAME, here, DAYS, NOW).unneeded} == {one.path for one in old}
    stage.run(here.builds / NAME, "plan", {"choice": 1}, lambda out: None)
    assert old[0].path not in {one.path for one in plan(NAME, here, DAYS, NOW).unneeded}


def test_while_people_are_waited_for_no_stage_goes(here: Settings) -> None:
    build(here, [1] * 5, 60, "dataset"), build(here, [2] * 5, 50, "dataset")
    waits = waiting.begin(here.home, NAME, "full", {"row": 1}, "http://127.0.0.1:6900", NOW)
    waiting.keep(here.home, waits)
    found = prune(NAME, here, DAYS, NOW)
    assert not found.unneeded and "waits for people" in found.kept and len(there(here)) == 6
    waiting.keep(here.home, dataclasses.replace(waits, verdict="complete"))
    assert len(prune(NAME, here, DAYS, NOW).unneeded) == 3


def test_what_kills_left_goes_when_no_build_went_on_with_it(here: Settings) -> None:
    build(here, [1] * 5, 0, "plan")
    root = here.builds / NAME
    for name, days in (("0" * 16, 31), ("1" * 16, 29)):
        part = root / "train" / f".{name}.part"
        (part / "checkpoint").mkdir(parents=True)
        age(part / "checkpoint", days)
        age(part, 40)
    (root / ".ledger.head.json.4711.part").write_text("{")
    age(root / ".ledger.head.json.4711.part", 2)
    gone = prune(NAME, here, DAYS, NOW)
    assert [one.path.name for one in gone.unneeded] == [f".{'0' * 16}.part", ".ledger.head.json.4711.part"]
    assert [path.name for path in (root / "train").iterdir()] == [f".{'1' * 16}.part"]


def decision(where: Settings, days: float, *, rebuild: bool, findings: tuple[str, ...] = ()) -> Path:
    moment = (NOW - timedelta(days=days)).isoformat()
    one = decide.Decision(
        f"{NAME}@1.0.0", moment, "quick", (), (), findings, 0, 0, 0, (), 50, rebuild, ("because",)
    )  # fmt: skip
    decide.keep(where.home, one)
    path = where.home / "refresh" / NAME / one.file
    age(path, days)
    return path


def test_decisions_to_build_stay_with_their_findings_for_ever(here: Settings) -> None:
    build(here, [1] * 5, 0)
    files = []
    for number, days in enumerate((60, 60, 60, 5)):
        files.append(here.home / "drift" / NAME / f"{number}.json")
        write_json(files[-1], {})
        age(files[-1], days)
    built = decision(here, 60, rebuild=True, findings=(f"/elsewhere/drift/{NAME}/0.json",))
    idle = decision(here, 61, rebuild=False, findings=(str(files[1]),))
    young = decision(here, 5, rebuild=False, findings=(str(files[3]),))
    decide.keep_state(here.home, NAME, decide.State(pending=built.name))
    age(here.home / "refresh" / NAME / decide.STATE, 90)
    gone = prune(NAME, here, DAYS, NOW)
    assert {one.path for one in gone.unneeded} == {idle, files[1], files[2]}
    assert built.exists() and young.exists() and files[0].exists() and files[3].exists()
    assert decide.read_state(here.home, NAME).pending == built.name


def test_what_cant_be_read_stops_it_before_anything_goes(here: Settings) -> None:
    old, new = build(here, [1] * 5, 60, "dataset"), build(here, [2] * 5, 50, "dataset")
    (new[-1].path / "inputs.json").write_text("{")
    with pytest.raises(DataError, match="not JSON"):
        prune(NAME, here, DAYS, NOW)
    assert all(one.path.exists() for one in old)


def test_nothing_goes_while_it_is_built(here: Settings) -> None:
    build(here, [1] * 5, 60, "dataset"), build(here, [2] * 5, 50, "dataset")
    with alone(NAME, here):
        other = multiprocessing.get_context("fork").Process(target=_prune_elsewhere, args=(here,))
        other.start()
        other.join(60)
    assert other.exitcode == 0 and len(there(here)) == 6


def _prune_elsewhere(where: Settings) -> None:
    locks._held.clear()  # which a fork inherits
    with pytest.raises(ServiceError, match="is being built by another process"):
        prune(NAME, where, DAYS, NOW)


@pytest.fixture
def command(here: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    monkeypatch.setenv("FACTORY_HOME", str(here.home))
    monkeypatch.delenv("FACTORY_KEEP_DAYS", raising=False)
    yield here


def test_the_command_lists_first_and_removes_when_told(command: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(3):
        for one in build(command, [number] * 5, 0, "dataset"):
            moment = datetime.now(UTC).timestamp() - (90 - number) * 86_400
            os.utime(one.path, (moment, moment))
    assert main(["prune"]) == 1
    assert "FACTORY_KEEP_DAYS" in capsys.readouterr().err
    assert main(["prune", "--keep-days", "30"]) == 0
    said = capsys.readouterr().out
    assert f"{NAME}: 6 that nobody needs" in said and "9 finished stages" in said and "--yes removes this" in said
    assert len(there(command)) == 9
    assert main(["prune", NAME, "--keep-days", "30", "--yes"]) == 0
    assert "That is removed." in capsys.readouterr().out
    assert len(there(command)) == 3 and names(command) == [NAME]


def test_a_specialist_that_was_never_built(command: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    build(command, [1] * 5, 0, "plan")
    assert main(["prune", "test/ship", "--keep-days", "30", "--yes"]) == 1
    assert f"Use one of: {NAME}" in capsys.readouterr().err


def test_prefect_forgets_ended_runs_after_as_many_days(here: Settings) -> None:
    told = PrefectServer(dataclasses.replace(here, keep_days=7))._environment()
    assert told["PREFECT_SERVER_SERVICES_DB_VACUUM_RETENTION_PERIOD"] == str(7 * 24 * 3600)
    assert "flow_runs" in told["PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED"]
    assert not any("VACUUM" in name for name in PrefectServer(here)._environment())


@pytest.mark.parametrize("said", ["-1", "1.5", "week"])
def test_days_that_are_no_number(
    said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FACTORY_KEEP_DAYS", said)
    assert main(["prune"]) == 1
    assert f"{said!r} is no number of days" in capsys.readouterr().err


def test_a_long_log_keeps_its_end_and_its_writer_goes_on(tmp_path: Path) -> None:
    log = tmp_path / "logs" / "zoo.log"
    log.parent.mkdir()
    with log.open("ab", buffering=0) as service:
        for number in range(logs.LONG // 100 + 1):
            service.write(b"%099d\n" % number)
        assert logs.long(tmp_path) == [log]
        logs.cut(log)
        service.write(b"goes on\n")
    assert log.read_bytes() == b"goes on\n" and not logs.long(tmp_path)
    rest = log.with_name("zoo.log.old").read_bytes().splitlines()
    assert rest[-1] == b"%099d" % (logs.LONG // 100) and len(rest) * 100 + 100 >= logs.REST
    assert {len(one) for one in rest} == {99}


def test_what_is_removed_is_renamed_away_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    monkeypatch.setattr("factory.retention.prune.shutil.rmtree", lambda path: seen.append(path.name))
    (tmp_path / "a" / "key").mkdir(parents=True)
    remove(tmp_path / "a" / "key")
    assert seen == [".key.gone"] and not (tmp_path / "a" / "key").exists()
