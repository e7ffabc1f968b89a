"""Backups of an Argilla home: whole while people answer, private, checked when read, never put over a living home."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import threading
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from factory import settings
from factory.errors import ServiceError
from factory.services import __main__ as command
from factory.services.argilla import backup, credentials
from factory.services.argilla.server import ArgillaServer
from factory.services.process import Detached


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home as Argilla leaves it, as far as a backup looks at it: one dataset of ten records, three answered."""
    return make_home(tmp_path / "argilla")


def make_home(home: Path, answers: int = 3) -> Path:
    credentials.load(home)
    with contextlib.closing(sqlite3.connect(home / "argilla.db")) as db, db:
        db.execute("PRAGMA journal_mode = WAL")
        db.executescript(
            "CREATE TABLE users (id TEXT, api_key TEXT); CREATE TABLE datasets (id INTEGER);"
            "CREATE TABLE records (id INTEGER, status TEXT); CREATE TABLE responses (record_id INTEGER);"
            "INSERT INTO users VALUES ('1', 'old'), ('2', 'older'); INSERT INTO datasets VALUES (1);"
        )
        db.executemany("INSERT INTO records VALUES (?, 'pending')", [(n,) for n in range(10)])
        db.executemany("INSERT INTO responses VALUES (?)", [(n,) for n in range(answers)])
    (home / "search.db").write_text("made anew at the next start")
    return home


def everything(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_there_and_back(home: Path, tmp_path: Path) -> None:
    file = tmp_path / "reviews.zip"
    held = {"datasets": 1, "records": 10, "responses": 3, "users": 2}
    assert backup.save(home, file) == held
    assert file.stat().st_mode & 0o777 == 0o600
    assert backup.restore(file, tmp_path / "other" / "argilla") == (held, None)
    other = tmp_path / "other" / "argilla"
    assert sorted(path.name for path in other.iterdir()) == ["argilla.db", "secrets.json"]
    assert other.stat().st_mode & 0o777 == 0o700
    assert (other / "secrets.json").stat().st_mode & 0o777 == 0o600
    assert credentials.load(other) == credentials.load(home)
    assert not list(tmp_path.rglob("*.part"))


def test_a_backup_is_one_state_while_answers_are_written(tmp_path: Path) -> None:
    """Each answer is two writes in one transaction, as Argilla's is: a backup has both of each, or neither."""
    home = make_home(tmp_path / "argilla", answers=0)
    stop, written = threading.Event(), []

    def write() -> None:
        with contextlib.closing(sqlite3.connect(home / "argilla.db", timeout=30)) as db:
            while not stop.is_set():
                with db:
                    db.execute("INSERT INTO records VALUES (?, 'completed')", [len(written)])
                    db.execute("INSERT INTO responses VALUES (?)", [len(written)])
                written.append(1)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        deadline = time.monotonic() + 60
        for number in range(5):
            while len(written) <= 2 * number:  # a busy machine lets it wait
                assert time.monotonic() < deadline
                time.sleep(0.001)
            acknowledged = len(written)
            backup.save(home, tmp_path / f"{number}.zip")
            backup.restore(tmp_path / f"{number}.zip", tmp_path / str(number))
            with contextlib.closing(sqlite3.connect(tmp_path / str(number) / "argilla.db")) as db:
                (answers,) = db.execute("SELECT count(*) FROM responses").fetchone()
                (records,) = db.execute("SELECT count(*) FROM records WHERE status = 'completed'").fetchone()
            assert answers == records >= acknowledged
    finally:
        stop.set()
        writer.join()
    assert len(written) > 5


def test_a_living_home_is_replaced_only_when_told_and_kept(home: Path, tmp_path: Path) -> None:
    file, living = tmp_path / "reviews.zip", make_home(tmp_path / "living", answers=7)
    backup.save(home, file)
    before = everything(living)
    with pytest.raises(ServiceError, match="already") as error:
        backup.restore(file, living)
    assert "--replace" in error.value.fix and everything(living) == before
    held, aside = backup.restore(file, living, replace=True)
    assert held["responses"] == 3 and credentials.load(living) == credentials.load(home)
    assert not (living / "search.db").exists()  # it was the other's
    assert aside and everything(aside) == before


@pytest.mark.parametrize(
    "harm", ["cut", "flipped", "not a zip", "no such file", "another's", "newer", "broken database"]
)
def test_what_is_damaged_is_refused_and_changes_nothing(home: Path, tmp_path: Path, harm: str) -> None:
    file, living = tmp_path / "reviews.zip", make_home(tmp_path / "living")
    if harm == "broken database":
        with (home / "argilla.db").open("r+b") as out:
            out.seek(4096)
            out.write(os.urandom(4096))
        with pytest.raises(ServiceError, match=r"damaged|not Argilla's"):
            backup.save(home, file)
        assert not file.exists()
        return
    backup.save(home, file)
    data = file.read_bytes()
    if harm == "cut":
        file.write_bytes(data[: len(data) // 2])
    elif harm == "flipped":
        middle = len(data) // 3
        file.write_bytes(data[:middle] + bytes([data[middle] ^ 0xFF]) + data[middle + 1 :])
    elif harm == "not a zip":
        file.write_text("reviews")
    elif harm == "no such file":
        file.unlink()
    else:
        with zipfile.ZipFile(file) as archive:
            parts = {name: archive.read(name) for name in archive.namelist()}
        about = json.loads(parts["about.json"])
        if harm == "another's":
            parts["secrets.json"] = b"{}"
        else:
            about["format"] = 2
        with zipfile.ZipFile(file, "w") as archive:
            for name, content in (parts | {"about.json": json.dumps(about).encode()}).items():
                archive.writestr(name, content)
    before = everything(living)
    with pytest.raises(ServiceError) as error:
        backup.restore(file, living, replace=True)
    assert str(file) in str(error.value) and everything(living) == before
    assert not list(tmp_path.glob(".*.part")) and not list(tmp_path.glob("*.replaced-*"))


def test_nothing_is_written_over_and_nothing_is_made_of_nothing(home: Path, tmp_path: Path) -> None:
    taken = tmp_path / "taken.zip"
    taken.write_text("something else")
    with pytest.raises(ServiceError, match="already"):
        backup.save(home, taken)
    assert taken.read_text() == "something else"
    with pytest.raises(ServiceError, match="no Argilla here"):
        backup.save(tmp_path / "empty", tmp_path / "a.zip")
    with pytest.raises(ServiceError, match="no Argilla here"):
        backup.rotate(tmp_path / "empty")


def test_every_secret_is_drawn_anew(home: Path) -> None:
    before = credentials.load(home)
    backup.rotate(home)
    after = credentials.load(home)
    for name in ("api_key", "owner_password", "reviewer_password", "auth_secret"):
        assert getattr(before, name) != getattr(after, name)
    assert credentials.path(home).stat().st_mode & 0o777 == 0o600
    with contextlib.closing(sqlite3.connect(home / "argilla.db")) as db:
        keys = {key for (key,) in db.execute("SELECT api_key FROM users")}
    assert len(keys) == 2 and not keys & {"old", "older"}


@pytest.fixture
def running(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[ArgillaServer]:
    """A server of this name that answers nothing, but runs."""
    monkeypatch.setenv("FACTORY_HOME", str(tmp_path))
    make_home(tmp_path / "argilla")
    server = Detached("argilla", "Argilla", ["sleep", "60"], {"PATH": "/bin"}, "http://127.0.0.1:9/", tmp_path, "PORT")
    server._spawn()
    while server.state == "down":
        time.sleep(0.05)
    yield ArgillaServer(settings.load())
    server.stop()


def test_by_hand(running: ArgillaServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = str(tmp_path / "reviews.zip")
    assert command.main(["argilla", "backup", file]) == 0  # it may run
    assert "datasets 1, records 10, responses 3, users 2" in capsys.readouterr().out
    assert command.main(["argilla", "restore", file, "--replace"]) == 1
    assert "Argilla is running, so its data can't be restored." in capsys.readouterr().err
    command.main(["argilla", "down"])
    assert command.main(["argilla", "restore", file]) == 1
    assert "--replace" in capsys.readouterr().err
    assert command.main(["argilla", "restore", file, "--replace"]) == 0
    assert "argilla.replaced-" in capsys.readouterr().out
    before = running.credentials
    assert command.main(["argilla", "rotate"]) == 0
    said = capsys.readouterr().out
    assert "secrets.json" in said and "argilla was not running" in said
    assert running.credentials != before and running.credentials.api_key not in said
