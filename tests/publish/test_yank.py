"""Versions taken back, on both hubs: what is given to whom, and that nothing of a version changes."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

import zoo
from factory import settings
from factory.__main__ import main
from factory.errors import HubError
from factory.publish.family import collect
from factory.publish.hub import Hub, open_hub
from factory.publish.release import release
from factory.publish.yank import unyank, yank
from factory.services.hub.server import running
from factory.settings import Settings
from zoo.__main__ import main as zoo_main
from zoo.errors import UnknownVersion
from zoo.names import Version
from zoo.yanked import YankedVersion

NAME = "test/mood"
OLD, NEW = Version(1, 0, 0), Version(1, 0, 1)
Packed = Callable[..., Path]


@dataclass(frozen=True)
class Place:
    """A hub with two versions."""

    where: Settings
    root: Path

    @property
    def address(self) -> str:
        return self.where.hub

    @property
    def hub(self) -> Hub:
        return open_hub(self.where.hub, self.where.hub_token)


@pytest.fixture(params=["folder", "server"])
def place(request: pytest.FixtureRequest, packed: Packed, tmp_path: Path) -> Iterator[Place]:
    root = tmp_path / "hub"
    for version, weights in ((OLD, b""), (NEW, b"other")):
        open_hub(str(root)).publish(packed(str(version), weights=weights))
    if request.param == "folder":
        yield Place(replace(settings.load(), hub=str(root)), root)
    else:
        with running(root) as server:
            yield Place(replace(settings.load(), hub=server.address, hub_token=server.token), root)


def test_a_yanked_version_is_given_only_to_who_asks_for_it(place: Place) -> None:
    said = yank(f"{NAME}@{NEW}", "glad and sad were\n swapped", place.where)
    assert "yanked: glad and sad were swapped" in said and f"is given {OLD}" in said
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for asked in (NAME, f"{NAME}@1", f"{NAME}@1.0", f"{NAME}@{OLD}"):
            assert zoo.load(asked, hub=place.address).version == str(OLD)
    for _ in range(2):  # the second time it is in the cache
        with pytest.warns(YankedVersion, match=r"test/mood@1\.0\.1 was yanked: glad and sad were swapped"):
            assert zoo.load(f"{NAME}@{NEW}", hub=place.address).version == str(NEW)


def test_the_mark_is_taken_away_again(place: Place) -> None:
    yank(f"{NAME}@{NEW}", "by mistake", place.where)
    with pytest.warns(YankedVersion):
        zoo.load(f"{NAME}@{NEW}", hub=place.address)
    assert "given out again" in unyank(f"{NAME}@{NEW}", place.where)
    assert "nothing was changed" in unyank(f"{NAME}@{NEW}", place.where)
    assert place.hub.yanked(NAME) == {}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert zoo.load(NAME, hub=place.address).version == str(NEW)
        assert zoo.load(f"{NAME}@{NEW}", hub=place.address).version == str(NEW)


def test_the_version_stays_sealed_as_it_was(place: Place) -> None:
    folder = place.root / NAME / str(NEW)
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    yank(f"{NAME}@{NEW}", "why", place.where)
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    assert json.loads((place.root / NAME / f"{NEW}.yanked.json").read_text())["reason"] == "why"
    assert place.hub.versions(NAME) == [OLD, NEW]
    assert zoo.verify(folder).version == str(NEW)


def test_yanked_again_it_has_the_newer_reason_and_its_number_is_never_used_again(place: Place, packed: Packed) -> None:
    yank(f"{NAME}@{NEW}", "first", place.where)
    yank(f"{NAME}@{NEW}", "second", place.where)
    assert place.hub.yanked(NAME)[NEW].reason == "second"
    with pytest.raises(HubError, match="never changes"):
        place.hub.publish(packed(str(NEW), weights=b"third"))
    place.hub.publish(packed("1.0.2", weights=b"third"))
    assert zoo.load(NAME, hub=place.address).version == "1.0.2"
    assert set(place.hub.yanked(NAME)) == {NEW}


def test_where_all_are_yanked_it_is_said_why(place: Place) -> None:
    yank(f"{NAME}@{OLD}", "old", place.where)
    assert "nothing: no other version" in yank(f"{NAME}@{NEW}", "leaks names", place.where)
    with pytest.raises(UnknownVersion, match=r"was yanked. Of 1\.0\.1: leaks names") as refused:
        zoo.load(NAME, hub=place.address)
    assert f"{NAME}@{NEW}" in refused.value.fix


def test_list_and_show_say_it(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    yank(f"{NAME}@{NEW}", "leaks names", place.where)
    assert zoo_main(["list", "--hub", place.address]) == 0
    assert capsys.readouterr().out == "test/mood\t1.0.1 (yanked: leaks names), 1.0.0\n"
    assert zoo_main(["show", f"{NAME}@{NEW}", "--hub", place.address]) == 0
    shown = capsys.readouterr()
    assert "YANKED         leaks names (2" in shown.out
    assert "zoo: warning: test/mood@1.0.1 was yanked" in shown.err
    assert zoo_main(["show", NAME, "--hub", place.address]) == 0
    assert "YANKED" not in capsys.readouterr().out


def test_the_cache_remembers_without_the_server(packed: Packed, tmp_path: Path) -> None:
    for version, weights in ((OLD, b""), (NEW, b"other")):
        open_hub(str(tmp_path / "hub")).publish(packed(str(version), weights=weights))
    with running(tmp_path / "hub") as server:
        zoo.pull(f"{NAME}@{OLD}", hub=server.address)
        zoo.pull(f"{NAME}@{NEW}", hub=server.address)
        open_hub(str(tmp_path / "hub")).yank(NAME, NEW, "leaks names")
        assert zoo.load(NAME, hub=server.address).version == str(OLD)
        address = server.address
    with pytest.warns(YankedVersion, match="leaks names"):
        zoo.load(f"{NAME}@{NEW}", hub=address)
    with pytest.warns(UserWarning, match="in the cache are used"):
        assert zoo.load(NAME, hub=address).version == str(OLD)


@pytest.mark.parametrize("mark", ["", "[]", "{}", "not JSON", "\xff"])
def test_a_mark_that_cant_be_read_is_a_mark_all_the_same(mark: str, packed: Packed, tmp_path: Path) -> None:
    hub = tmp_path / "hub"
    for version, weights in ((OLD, b""), (NEW, b"other")):
        open_hub(str(hub)).publish(packed(str(version), weights=weights))
    (hub / NAME / f"{NEW}.yanked.json").write_bytes(mark.encode("latin-1"))
    assert zoo.load(NAME, hub=hub).version == str(OLD)
    with pytest.warns(YankedVersion, match="does not say why"):
        zoo.load(f"{NAME}@{NEW}", hub=hub)


@pytest.mark.parametrize(
    ("asked", "reason", "message"),
    [
        (NAME, "why", "names no version"),
        (f"{NAME}@1.0", "why", "names no version"),
        (f"{NAME}@9.0.0", "why", r"no version 9\.0\.0"),
        ("test/other@1.0.0", "why", r"no version 1\.0\.0"),
        ("Mood", "why", "not the name"),
        (f"{NAME}@{NEW}", " \n", "for a reason"),
    ],
)
def test_what_cant_be_yanked(place: Place, asked: str, reason: str, message: str) -> None:
    with pytest.raises(HubError, match=message) as refused:
        yank(asked, reason, place.where)
    assert refused.value.fix
    assert place.hub.yanked(NAME) == {}


def test_without_the_token_nothing_is_yanked(packed: Packed, tmp_path: Path) -> None:
    hub = tmp_path / "hub"
    open_hub(str(hub)).publish(packed())
    with running(hub) as server:
        with pytest.raises(HubError, match=r"refused \(401\)"):
            open_hub(server.address, "wrong").yank(NAME, OLD, "why")
        open_hub(str(hub)).yank(NAME, OLD, "why")
        with pytest.raises(HubError, match=r"refused \(401\)"):
            open_hub(server.address, "wrong").unyank(NAME, OLD)
    assert open_hub(str(hub)).yanked(NAME)[OLD].reason == "why"


def test_a_mark_that_is_lost_while_it_is_renewed_is_told(
    packed: Packed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import HfApi

    def die(*_: object, **__: object) -> None:
        raise ConnectionError("the network is gone")

    open_hub(str(tmp_path / "hub")).publish(packed())
    with running(tmp_path / "hub") as server:
        hub = open_hub(server.address, server.token)
        with monkeypatch.context() as broken:
            broken.setattr(HfApi, "create_tag", die)
            with pytest.raises(HubError, match="can't be reached") as never:  # it was not yanked before, either
                hub.yank(NAME, OLD, "first")
        assert "NOT yanked" not in never.value.what and hub.yanked(NAME) == {}
        hub.yank(NAME, OLD, "first")
        with monkeypatch.context() as broken:
            broken.setattr(HfApi, "create_tag", die)
            with pytest.raises(
                HubError, match=r"test/mood@1\.0\.0 is NOT yanked now: its mark could not be rene"
            ) as lost:
                hub.yank(NAME, OLD, "second")
        assert lost.value.fix == "Run the same command again at once." and hub.yanked(NAME) == {}
        hub.yank(NAME, OLD, "second")
        assert hub.yanked(NAME)[OLD].reason == "second"


def test_the_same_again_is_not_published_in_silence(trained, spec, dataset, evidence, tmp_path: Path) -> None:
    hub = open_hub(str(tmp_path / "hub"))
    release(hub, trained, spec, dataset.manifest, evidence, tmp_path / "out")
    hub.yank(NAME, OLD, "leaks names")
    with pytest.raises(HubError, match=r"1\.0\.0 again, which was yanked: leaks names"):
        release(hub, trained, spec, dataset.manifest, evidence, tmp_path / "out")
    with pytest.raises(Exception, match="Nothing is published"):
        collect(hub, [spec.name], tmp_path / "cards")


def test_the_command(packed: Packed, tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.setenv("FACTORY_HUB", str(tmp_path / "hub"))
    open_hub(str(tmp_path / "hub")).publish(packed())
    assert main(["yank", f"{NAME}@{OLD}", "--reason", "leaks names"]) == 0
    assert "is yanked: leaks names" in capsys.readouterr().out
    assert main(["yank", f"{NAME}@{OLD}", "--undo"]) == 0
    assert "given out again" in capsys.readouterr().out
    assert main(["yank", f"{NAME}@2.0.0", "--undo"]) == 1
    assert "no version 2.0.0" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="2"):
        main(["yank", f"{NAME}@{OLD}"])
