import os
import shutil
import warnings
from pathlib import Path

import pytest
import tiny
from hub_server import HubServer
from huggingface_hub import HfApi
from huggingface_hub.errors import LocalEntryNotFoundError

import zoo
from zoo import remote_hub
from zoo.errors import (
    BadName,
    BrokenSpecialist,
    CannotWrite,
    HubUnreachable,
    NoHub,
    Tampered,
    UnknownSpecialist,
    UnknownVersion,
    VersionTaken,
)
from zoo.folder_hub import FolderHub
from zoo.names import Version
from zoo.yanked import Yank

V1 = Version(1, 0, 0)


@pytest.mark.parametrize(
    ("asked", "version"),
    [
        ("finance/sentiment", "2.0.0"),
        ("finance/sentiment@1", "1.10.0"),
        ("finance/sentiment@1.2", "1.2.0"),
        ("finance/sentiment@1.0.0", "1.0.0"),
        ("support/intent", "1.0.0"),
    ],
)
def test_names_and_ranges(hub, server, asked, version):
    for where in (hub, str(hub), server.address, FolderHub(hub)):
        loaded = zoo.load(asked, hub=where)
        assert (loaded.name, loaded.version) == (asked.partition("@")[0], version)
        assert loaded.predict("word1").label in tiny.LABELS


def test_the_hub_of_the_environment(hub, monkeypatch):
    with pytest.raises(NoHub, match="ZOO_HUB"):
        zoo.load("finance/sentiment")
    monkeypatch.setenv("ZOO_HUB", str(hub))
    assert zoo.load("finance/sentiment").version == "2.0.0"


def test_a_folder_needs_no_hub(hub, monkeypatch):
    monkeypatch.chdir(hub)
    for folder in (hub / "support/intent/1.0.0", str(hub / "support/intent/1.0.0"), "./support/intent/1.0.0"):
        assert zoo.load(folder).name == "support/intent"


@pytest.mark.parametrize("address", ["/no/such/folder", "hf:", "https://host", "http://host/", "hf:a/b"])
def test_addresses_that_are_none(address):
    with pytest.raises(NoHub):
        zoo.load("finance/sentiment", hub=address)


def test_unknown_names_tell_the_nearest(hub, server):
    for where in (hub, server.address):
        with pytest.raises(UnknownSpecialist, match=r"Did you mean finance/sentiment\?"):
            zoo.load("finance/sentimnt", hub=where)
        with pytest.raises(UnknownSpecialist, match="finance/sentiment, support/intent"):
            zoo.load("qqqq/zzzz", hub=where)
    (hub / "empty").mkdir()
    with pytest.raises(UnknownSpecialist, match="holds no specialist"):
        zoo.load("finance/sentiment", hub=hub / "empty")


def test_unknown_versions_tell_what_there_is(hub, server):
    for where in (hub, server.address):
        for wanted in ("3", "1.1", "1.0.1"):
            with pytest.raises(UnknownVersion, match=r"2\.0\.0, 1\.10\.0, 1\.2\.0, 1\.0\.0"):
                zoo.load(f"finance/sentiment@{wanted}", hub=where)
        with pytest.raises(BadName):
            zoo.load("finance/sentiment@newest", hub=where)


def test_names_and_versions_are_sorted_and_nothing_else_is_seen(hub):
    (hub / "finance/sentiment/.incoming-x").mkdir()
    (hub / "finance/sentiment/3.0.0").mkdir()  # no manifest: not a version
    (hub / "finance/sentiment/notes.txt").write_text("")
    (hub / "Not-a-name/at all").mkdir(parents=True)
    opened = zoo.open_hub(hub)
    assert opened.names() == ["finance/sentiment", "support/intent"]
    assert list(map(str, opened.versions("finance/sentiment"))) == ["1.0.0", "1.2.0", "1.10.0", "2.0.0"]
    for name in ("../finance", "/etc/x", "a/../../b"):
        with pytest.raises(BadName):
            opened.versions(name)


def test_a_hub_that_serves_another_specialist_under_a_name(hub):
    shutil.rmtree(hub / "support/intent/1.0.0")
    shutil.copytree(hub / "finance/sentiment/1.0.0", hub / "support/intent/1.0.0")
    with pytest.raises(BrokenSpecialist, match=r"has finance/sentiment@1\.0\.0 under the name support/intent@1\.0\.0"):
        zoo.load("support/intent", hub=hub)


def test_a_version_appears_whole_or_not_at_all(tmp_path, specialist):
    hub = FolderHub(tmp_path / "hub")
    with pytest.raises(RuntimeError), hub.incoming("finance/sentiment", V1) as part:
        shutil.copytree(specialist, part, dirs_exist_ok=True)
        assert hub.names() == []
        raise RuntimeError("killed")
    assert hub.names() == []
    assert list((tmp_path / "hub/finance/sentiment").iterdir()) == []
    with hub.incoming("finance/sentiment", V1) as part:
        shutil.copytree(specialist, part, dirs_exist_ok=True)
    assert zoo.load("finance/sentiment", hub=hub).version == "1.0.0"


def test_a_version_never_changes(hub, specialist):
    before = (hub / "finance/sentiment/1.0.0/manifest.json").read_bytes()
    opened = FolderHub(hub)
    with pytest.raises(VersionTaken), opened.incoming("finance/sentiment", V1):
        pytest.fail("nothing should be written")
    with pytest.raises(VersionTaken), opened.incoming("finance/sentiment", Version(9, 0, 0)) as part:
        shutil.copytree(specialist, part, dirs_exist_ok=True)
        shutil.copytree(hub / "finance/sentiment/1.0.0", hub / "finance/sentiment/9.0.0")  # someone else was faster
    assert (hub / "finance/sentiment/1.0.0/manifest.json").read_bytes() == before
    assert not list((hub / "finance/sentiment").glob(".incoming*"))


def test_what_killed_processes_left_goes_after_a_day(hub):
    old, new = hub / "finance/sentiment/.incoming-old", hub / "finance/sentiment/.incoming-new"
    for folder in (old, new):
        folder.mkdir()
    os.utime(old, (0, 0))
    with FolderHub(hub).incoming("finance/sentiment", Version(9, 0, 0)) as part:
        (part / "manifest.json").write_text("{}")
    assert (old.exists(), new.exists()) == (False, True)


def test_what_another_process_sweeps_meanwhile_is_no_trouble(hub, monkeypatch):
    for name in ("a", "b"):
        (hub / f"finance/sentiment/.incoming-{name}").mkdir()
    glob = Path.glob

    def listed(self, pattern):
        found = list(glob(self, pattern))
        for folder in found[:-1]:
            shutil.rmtree(folder)
        return found

    monkeypatch.setattr(Path, "glob", listed)
    with FolderHub(hub).incoming("finance/sentiment", Version(9, 0, 0)) as part:
        (part / "manifest.json").write_text("{}")
    assert (hub / "finance/sentiment/9.0.0/manifest.json").exists()


def test_a_full_disk_is_said_to_be_one(hub):
    with pytest.raises(CannotWrite, match="disk is full"), FolderHub(hub).incoming("a/b", V1):
        raise OSError(28, "No space left on device")
    assert not list((hub / "a/b").iterdir())


# --- remote ---


def test_a_pulled_version_is_asked_for_once_and_works_without_the_hub(server, monkeypatch):
    first = zoo.load("finance/sentiment@1.0.0", hub=server.address)
    asked = len(server.requests)
    server.stop()
    assert zoo.load("finance/sentiment@1.0.0", hub=server.address).folder == first.folder
    assert len(server.requests) == asked
    assert first.folder.is_relative_to(os.environ["ZOO_CACHE"])
    assert not (first.folder / ".cache").exists()


def test_without_the_hub_the_newest_cached_version_is_used_with_a_warning(server):
    for version in ("1.0.0", "1.2.0", "1.10.0"):
        zoo.pull(f"finance/sentiment@{version}", hub=server.address)
    server.stop()
    for asked, version in (("", "1.10.0"), ("@1.2", "1.2.0")):
        with pytest.warns(UserWarning, match="in the cache"):
            assert zoo.load(f"finance/sentiment{asked}", hub=server.address).version == version
    with pytest.warns(UserWarning), pytest.raises(UnknownVersion, match=r"1\.10\.0, 1\.2\.0, 1\.0\.0"):
        zoo.load("finance/sentiment@2", hub=server.address)


def test_without_the_hub_and_without_a_cache(server):
    server.stop()
    with pytest.raises(HubUnreachable, match=server.address):
        zoo.load("finance/sentiment", hub=server.address)
    with pytest.raises(HubUnreachable):
        zoo.load("finance/sentiment@1.0.0", hub=server.address)
    with pytest.raises(HubUnreachable):
        zoo.open_hub(server.address).names()


def test_a_new_version_is_seen(server, publish):
    zoo.load("support/intent", hub=server.address)
    publish(server.root, "support/intent", "1.1.0")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert zoo.load("support/intent", hub=server.address).version == "1.1.0"


def test_a_hub_that_takes_what_is_asked_and_says_nothing_is_not_waited_for(server, monkeypatch):
    monkeypatch.setattr(remote_hub, "_PATIENCE", 0.2)
    zoo.pull("support/intent@1.0.0", hub=server.address)
    server.silent = True
    with pytest.warns(UserWarning, match="in the cache"):
        assert zoo.load("support/intent", hub=server.address).version == "1.0.0"
    server.silent = False


def test_why_a_version_was_yanked_is_not_forgotten_when_the_hub_fails(server, monkeypatch):
    def unanswered(*_, **__):
        raise LocalEntryNotFoundError("502 Server Error")

    zoo.pull("support/intent@1.0.0", hub=server.address)
    opened = zoo.open_hub(server.address)
    opened.cache.remember("support/intent", {V1: Yank("swaps two labels")})
    monkeypatch.setattr(remote_hub.RemoteHub, "_tags", lambda *_: ["v1.0.0", "yanked-v1.0.0"])
    monkeypatch.setattr(HfApi, "hf_hub_download", unanswered)
    for _ in range(2):
        assert opened.yanked("support/intent")[V1].reason == "swaps two labels"


def test_a_web_page_is_not_a_hub(server):
    server.page = "<html>Sign in to the wireless network</html>"
    for ask in (
        lambda: zoo.load("finance/sentiment", hub=server.address),
        lambda: zoo.load("finance/sentiment@1.0.0", hub=server.address),
        lambda: zoo.open_hub(server.address).names(),
    ):
        with pytest.raises(HubUnreachable):
            ask()
    assert not list(Path(os.environ["ZOO_CACHE"]).rglob("manifest.json"))


def test_a_damaged_download_is_not_kept(server):
    card = server.root / "support/intent/1.0.0/README.md"
    good = card.read_bytes()
    card.write_bytes(good.upper())
    with pytest.raises(Tampered, match=r"README\.md"):
        zoo.load("support/intent", hub=server.address)
    assert not list(Path(os.environ["ZOO_CACHE"]).rglob("manifest.json"))
    card.write_bytes(good)
    assert zoo.load("support/intent", hub=server.address)


def test_a_copy_changed_in_the_cache_is_found(server):
    folder = zoo.pull("support/intent", hub=server.address)
    (folder / "config.json").write_text("[]")
    with pytest.raises(Tampered, match="Delete the folder and get it again"):
        zoo.load("support/intent", hub=server.address)
    shutil.rmtree(folder)
    assert zoo.load("support/intent", hub=server.address)


def test_the_hugging_face_token_is_not_sent_to_other_servers(server, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    zoo.load("support/intent", hub=server.address)
    assert server.tokens == []
    monkeypatch.setenv("ZOO_TOKEN", "")  # as a compose file leaves it
    zoo.load("finance/sentiment@1.0.0", hub=server.address)
    assert server.tokens == []
    monkeypatch.setenv("ZOO_TOKEN", "hf_for_this_server")
    zoo.load("finance/sentiment", hub=server.address)
    assert set(server.tokens) == {"Bearer hf_for_this_server"}


def test_models_of_another_purpose_are_not_listed(server):
    opened = zoo.open_hub(server.address)
    assert opened.names() == ["finance/sentiment", "support/intent"]
    server.tags = ["transformers"]
    assert opened.names() == []
    server.tags = []
    assert opened.names() == ["finance/sentiment", "support/intent"]


def test_two_hubs_share_no_cache(server, hub):
    with HubServer(hub, namespace="clinic") as other:
        folders = {zoo.pull("support/intent", hub=one.address) for one in (server, other)}
    assert len(folders) == 2


def test_a_cache_that_cannot_be_written(server, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "file"))
    with pytest.raises(CannotWrite):
        zoo.load("support/intent", hub=server.address)
