"""What both hubs promise, asked of both: the folder, and a real server through the real huggingface_hub."""

import json
import shutil
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

import zoo
from factory.dataset.version import open_version
from factory.errors import HubError
from factory.publish.family import collect
from factory.publish.hub import open_hub
from factory.publish.release import release
from factory.services.hub.server import running
from factory.settings import CHECKOUT


@pytest.fixture(params=["folder", "server"])
def place(request, tmp_path, monkeypatch):
    """(address, token) of an empty hub."""
    if request.param == "folder":
        yield str(tmp_path / "hub"), ""
    else:
        with running(tmp_path / "served") as server:
            yield server.address, server.token


@pytest.fixture
def hub(place):
    return open_hub(*place)


def test_what_is_published_is_loaded_by_the_zoo(hub, place, packed, tmp_path):
    assert hub.versions("test/mood") == []
    where = hub.publish(packed("1.0.0"))
    assert "1.0.0" in where
    hub.publish(packed("1.0.1", weights=b"other"))
    assert [str(version) for version in hub.versions("test/mood")] == ["1.0.0", "1.0.1"]
    loaded = zoo.load("test/mood@1.0.0", hub=place[0])
    assert loaded.version == "1.0.0"
    assert loaded.predict("a glad note").label in loaded.labels
    assert zoo.load("test/mood", hub=place[0]).version == "1.0.1"
    assert zoo.open_hub(place[0]).names() == ["test/mood"]


def test_cards_are_collected_without_the_weights(hub, place, trained, spec, dataset, evidence, tmp_path, monkeypatch):
    release(hub, trained, spec, dataset.manifest, evidence, tmp_path / "out")
    seen = []
    papers = type(hub).papers
    monkeypatch.setattr(type(hub), "papers", lambda *asked: seen.append(papers(*asked)) or seen[-1])
    table = collect(hub, ["test/mood", "test/other"], tmp_path / "cards")
    assert "[test/mood](test/mood.md) | 1.0.0 |" in table.read_text()
    assert (tmp_path / "cards" / "test" / "mood.md").read_text().startswith("---")
    assert len(seen) == 1 and seen[0].exists() == (place[1] == "")  # what was downloaded is gone


def test_publishing_the_same_again_changes_nothing_and_other_content_is_refused(hub, packed):
    folder = packed("1.0.0")
    assert hub.publish(folder) == hub.publish(folder)
    before = hub.manifest("test/mood", hub.versions("test/mood")[0])
    with pytest.raises(HubError, match="already"):
        hub.publish(packed("1.0.0", weights=b"other"))
    assert hub.manifest("test/mood", hub.versions("test/mood")[0]) == before


def test_a_tampered_or_unsealed_folder_is_refused(hub, packed):
    folder = packed()
    with (folder / "onnx" / "model_int8.onnx").open("ab") as file:
        file.write(b"!")
    with pytest.raises(HubError, match="model_int8"):
        hub.publish(folder)
    folder = packed()
    (folder / "notes.txt").write_text("unsealed")
    with pytest.raises(HubError, match=r"does not name notes\.txt"):
        hub.publish(folder)
    assert hub.versions("test/mood") == []


def test_a_dataset_version_is_published_whole_and_once(hub, place, dataset, tmp_path):
    assert hub.dataset_versions("test/mood") == []
    where = hub.publish_dataset(dataset.path)
    assert dataset.version in where
    assert hub.publish_dataset(dataset.path) == where
    assert hub.dataset_versions("test/mood") == [dataset.version]
    assert hub.versions("test/mood") == []
    shelf = tmp_path / ("hub" if "hub" in place[0][-4:] else "served") / "datasets" / "test" / "mood" / dataset.version
    assert open_version(shelf).rows("train") == dataset.rows("train")
    with (dataset.path / "data" / "train-00000-of-00001.parquet").open("ab") as file:
        file.write(b"!")
    with pytest.raises(HubError, match="changed"):
        hub.publish_dataset(dataset.path)


KILLED = """
import os, signal, sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
import huggingface_hub, shutil
from factory.publish.hub import open_hub

def die(*args, **kwargs):
    os.kill(os.getpid(), signal.SIGKILL)

moment, address, token, folder = sys.argv[1:]
copy, copied = shutil.copyfile, []
def copying(source, target):
    copied.append(target)
    if moment in ("first", "manifest") and (moment == "first" or str(target).endswith("manifest.json")):
        Path(target).write_bytes(Path(source).read_bytes()[:10])
        die()
    return copy(source, target)
shutil.copyfile = copying
if moment == "rename":
    Path.rename = die
if moment == "upload":
    from huggingface_hub import _commit_api
    _commit_api._upload_single_part = huggingface_hub.lfs._upload_single_part = die
if moment == "tag":
    huggingface_hub.HfApi.create_tag = die
hub = open_hub(address, token)
(hub.publish_dataset if (Path(folder) / "data").is_dir() else hub.publish)(Path(folder))
"""


def kill(moment: str, address: str, token: str, folder: Path, home: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", KILLED, moment, address, token, str(folder)],
        env={"PATH": "", "HOME": str(home), "PYTHONPATH": str(CHECKOUT)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr


@pytest.mark.parametrize("moment", ["first", "manifest", "rename"])
def test_killed_while_writing_a_folder_hub_nothing_is_visible_and_the_next_try_succeeds(moment, packed, tmp_path):
    folder, root = packed(), tmp_path / "hub"
    kill(moment, str(root), "", folder, tmp_path)
    hub = open_hub(str(root))
    assert hub.versions("test/mood") == []
    assert zoo.open_hub(root).names() == []
    hub.publish(folder)
    assert zoo.verify(root / "test" / "mood" / "1.0.0").version == "1.0.0"


@pytest.mark.parametrize("moment", ["first", "manifest", "rename"])
def test_killed_while_writing_a_dataset_nothing_is_visible_and_the_next_try_leaves_nothing_else(
    moment, dataset, tmp_path
):
    kill(moment, str(tmp_path / "hub"), "", dataset.path, tmp_path)
    hub = open_hub(str(tmp_path / "hub"))
    assert hub.dataset_versions("test/mood") == []
    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(lambda _: hub.publish_dataset(dataset.path), range(4)))) == 1
    assert sorted(path.name for path in (tmp_path / "hub/datasets/test/mood").iterdir()) == [".lock", dataset.version]


def test_what_was_killed_goes_when_another_version_comes(dataset, tmp_path):
    kill("manifest", str(tmp_path / "hub"), "", dataset.path, tmp_path)
    place = tmp_path / "hub/datasets/test/mood"
    (place / f".incoming-{dataset.version}").rename(place / ".incoming-d-000000000000")
    open_hub(str(tmp_path / "hub")).publish_dataset(dataset.path)
    assert sorted(path.name for path in place.iterdir()) == [".lock", dataset.version]


@pytest.mark.parametrize("moment", ["upload", "tag"])
def test_killed_while_uploading_nothing_is_visible_and_the_next_try_succeeds(moment, packed, server, tmp_path):
    folder = packed(weights=b"x" * (2 << 20))
    kill(moment, server.address, server.token, folder, tmp_path)
    hub = open_hub(server.address, server.token)
    assert hub.versions("test/mood") == []
    assert zoo.open_hub(server.address).names() == []
    hub.publish(folder)
    assert zoo.load("test/mood", hub=server.address).version == "1.0.0"


@pytest.mark.parametrize(("code", "message"), [(28, "disk is full"), (13, "can't be written"), (5, "can't be used")])
def test_a_disk_that_refuses_is_an_error_in_words_and_leaves_nothing(
    code, message, packed, dataset, tmp_path, monkeypatch
):
    hub, folder = open_hub(str(tmp_path / "hub")), packed()
    copy, calls = shutil.copyfile, []

    def refuse_second(source: Path, target: Path) -> Path:
        calls.append(target)
        if len(calls) % 2 == 0:
            raise OSError(code, "no", str(target))
        return copy(source, target)

    monkeypatch.setattr(shutil, "copyfile", refuse_second)
    for publish, source in ((hub.publish, folder), (hub.publish_dataset, dataset.path)):
        with pytest.raises(HubError, match=message):
            publish(source)
    assert hub.versions("test/mood") == [] and hub.dataset_versions("test/mood") == []
    left = [path for path in (tmp_path / "hub").rglob("*") if path.is_file() and path.name != ".lock"]
    assert left == []


def test_a_file_where_the_hub_should_be_is_an_error_in_words(packed, dataset, tmp_path):
    (tmp_path / "hub").write_text("not a folder")
    hub = open_hub(str(tmp_path / "hub"))
    for publish, source in ((hub.publish, packed()), (hub.publish_dataset, dataset.path)):
        with pytest.raises(HubError) as refused:
            publish(source)
        assert str(tmp_path / "hub") in refused.value.where
    assert (tmp_path / "hub").read_text() == "not a folder"


def test_a_wrong_token_and_no_token_are_refused_with_what_to_do(packed, server):
    for token in ("wrong", ""):
        with pytest.raises(HubError, match=r"refused \(401\)") as refused:
            open_hub(server.address, token).publish(packed())
        assert "HF_TOKEN" in refused.value.fix
    assert open_hub(server.address).versions("test/mood") == []


def test_another_namespace_is_refused(packed, server):
    with pytest.raises(HubError, match=r"refused \(403\).*one namespace zoo"):
        open_hub(f"{server.endpoint}/bank", server.token).publish(packed())


def test_a_server_that_is_not_there_is_an_error_in_words(packed, tmp_path):
    with running(tmp_path / "served") as server:
        address, token = server.address, server.token
    with pytest.raises(HubError, match="can't be reached") as refused:
        open_hub(address, token).publish(packed())
    assert refused.value.where == address


def test_an_address_without_a_namespace_is_refused():
    for address in ("hf:", "http://127.0.0.1:1/"):
        with pytest.raises(HubError, match="namespace"):
            open_hub(address)


def test_what_arrives_damaged_is_not_tagged(packed, server, tmp_path, monkeypatch):
    from huggingface_hub import HfApi

    upload = HfApi.upload_folder

    def damaging(self, **arguments):
        commit = upload(self, **arguments)
        (draft,) = (tmp_path / "served" / ".drafts" / "models" / "test-mood").glob(f"{commit.oid}")
        config = draft / "config.json"
        config.write_text(json.dumps({"damaged": True}))
        return commit

    monkeypatch.setattr(HfApi, "upload_folder", damaging)
    with pytest.raises(HubError, match=r"not what was sent: config\.json"):
        open_hub(server.address, server.token).publish(packed())
    assert open_hub(server.address).versions("test/mood") == []


def test_no_telemetry_whatever_was_imported_before(server, monkeypatch):
    from huggingface_hub import constants
    from huggingface_hub.utils import _headers

    def tell_tale() -> None:
        raise AssertionError("asked huggingface.co")

    monkeypatch.setattr(constants, "HF_HUB_DISABLE_TELEMETRY", False)
    monkeypatch.setattr(_headers, "detect_agent", tell_tale)
    assert open_hub(server.address, server.token).versions("test/mood") == []


def test_a_web_page_that_is_no_hub_is_an_error_in_words(packed):
    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = b"<html>Please sign in</html>"
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    page = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=page.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    try:
        with pytest.raises(HubError, match="understood"):
            open_hub(f"http://127.0.0.1:{page.server_port}/zoo", "token").publish(packed())
    finally:
        page.shutdown()
        page.server_close()
