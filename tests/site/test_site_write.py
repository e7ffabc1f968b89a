"""The folder: whole, ours, or not touched; and the command."""

from __future__ import annotations

import errno
import multiprocessing
import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from factory.__main__ import main
from factory.errors import FactoryError, HubError
from factory.settings import Settings
from factory.site.make import make
from factory.site.write import write
from tests.site.family import publish, settings_in


@pytest.fixture
def where(tmp_path: Path) -> Settings:
    where = settings_in(tmp_path)
    publish(where, "1.0.0")
    return where


def held(folder: Path) -> dict[str, str]:
    return {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()}


def alone(folder: Path) -> bool:
    """Whether there is nothing beside a site but the folder that it leads to."""
    return sorted(path.name for path in folder.parent.iterdir()) == sorted((folder.name, folder.readlink().name))


def test_a_site_takes_the_place_of_the_one_before(tmp_path: Path) -> None:
    folder = tmp_path / "site"
    assert write(folder, {"index.html": "1", "a/b.html": "1"}) == folder / "index.html"
    write(folder, {"index.html": "2"})
    assert {path: text for path, text in held(folder).items() if text} == {"index.html": "2"}
    assert alone(folder)


def test_an_empty_folder_is_taken_and_any_other_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    write(tmp_path / "empty", {"index.html": "1"})
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "diary.txt").write_text("dear diary")
    (tmp_path / "file").write_text("a file")
    for name in ("mine", "file"):
        with pytest.raises(FactoryError, match="something else than a site") as refused:
            write(tmp_path / name, {"index.html": "1"})
        assert refused.value.fix
    assert held(tmp_path / "mine") == {"diary.txt": "dear diary"} and (tmp_path / "file").read_text() == "a file"


def test_a_full_disk_leaves_the_site_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "site"
    write(folder, {"index.html": "1", "second.html": "1"})
    before, real = held(folder), Path.write_text

    def full(path: Path, *given: object, **named: object) -> int:
        if path.name == "second.html":
            raise OSError(errno.ENOSPC, "no", str(path))
        return real(path, *given, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(FactoryError, match="disk is full"):
        write(folder, {"index.html": "2", "second.html": "2"})
    assert held(folder) == before
    assert alone(folder)


def test_where_the_place_cant_be_taken_the_old_site_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "site"
    write(folder, {"index.html": "1"})

    def refuse(path: Path, target: Path) -> Path:
        raise OSError(errno.EACCES, "no", str(path))

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(FactoryError, match="can't be written"):
        write(folder, {"index.html": "2"})
    assert (folder / "index.html").read_text() == "1"
    (tmp_path / "plain").mkdir()
    with pytest.raises(FactoryError, match="can't be written"):
        write(tmp_path / "plain", {"index.html": "2"})
    assert held(tmp_path / "plain") == {}, "a folder that had to make room is back"


def _killed_at(folder: Path, step: int) -> None:
    """A process that writes a site, and is gone without another word before a step of it."""
    left = step

    def counting(really: Any) -> Any:
        def count(*given: Any, **named: Any) -> Any:
            nonlocal left
            if left == 0:
                os._exit(9)
            left -= 1
            return really(*given, **named)

        return count

    for name in ("mkdir", "write_text", "symlink_to", "rename", "replace", "unlink"):
        setattr(Path, name, counting(getattr(Path, name)))
    shutil.rmtree = counting(shutil.rmtree)
    write(folder, {"index.html": "2", "second.html": "2"})
    os._exit(0)


def test_a_kill_anywhere_leaves_one_site_or_the_other(tmp_path: Path) -> None:
    folder, step, code = tmp_path / "site", 0, 9
    seen = set()
    while code == 9:
        write(folder, {"index.html": "1", "second.html": "1"})
        process = multiprocessing.get_context("fork").Process(target=_killed_at, args=(folder, step))
        process.start()
        process.join(60)
        code = process.exitcode
        said = {text for text in held(folder).values() if text}
        assert said in ({"1"}, {"2"}), f"killed before step {step}"
        assert len(held(folder)) == 3
        seen |= said
        step += 1
    assert code == 0 and step > 6 and seen == {"1", "2"}
    assert alone(folder)


def test_a_link_of_somebodys_own_is_followed(tmp_path: Path) -> None:
    (tmp_path / "www").mkdir()
    (tmp_path / "site").symlink_to("www")
    write(tmp_path / "site", {"index.html": "1"})
    write(tmp_path / "site", {"index.html": "2"})
    assert (tmp_path / "www" / "index.html").read_text() == "2"
    assert (tmp_path / "site").readlink() == Path("www")


def test_a_hub_that_cant_be_reached_leaves_the_site_as_it_was(where: Settings) -> None:
    index, _ = make(where)
    before = held(index.parent)
    with pytest.raises(HubError, match="could not be reached"):
        make(replace(where, hub="http://127.0.0.1:9/zoo"))
    assert held(index.parent) == before


def test_the_command(where: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    for name, place in (("HOME", where.home), ("HUB", where.hub), ("PROMPTS", where.prompts)):
        monkeypatch.setenv(f"FACTORY_{name}", str(place))
    assert main(["site"]) == 0
    assert capsys.readouterr() == (f"{where.home / 'site' / 'index.html'}\n", "")
    (Path(where.hub) / "test/mood/1.0.0/evidence.jsonl").write_text("{")
    assert main(["site", str(tmp_path / "elsewhere")]) == 0
    out, err = capsys.readouterr()
    assert out == f"{tmp_path / 'elsewhere' / 'index.html'}\n" and "test/mood: Version 1.0.0 can't be read" in err
    assert main(["site", str(where.hub)]) == 1
    assert "something else than a site" in capsys.readouterr().err
