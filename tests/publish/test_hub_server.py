"""The embedded server, asked by the real huggingface_hub and datasets clients."""

import hashlib
import json
import os
import stat
import subprocess
import sys
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from huggingface_hub import HfApi, constants
from huggingface_hub.errors import (
    EntryNotFoundError,
    HfHubHTTPError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

import zoo
from factory import settings
from factory.errors import ServiceError
from factory.publish.folder_hub import FolderHub
from factory.publish.hub import open_hub
from factory.services.hub.server import HubServer, load_token, running, token_file
from factory.services.hub.store import Store
from factory.services.process import free_port
from tests.publish.proxy import proxied

LARGE = b"0123456789abcdef" * (3 << 16)  # 3 MiB


@pytest.fixture(autouse=True)
def _quiet_plain_lfs(monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_TELEMETRY", True)
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)


@pytest.fixture
def api(server):
    return HfApi(endpoint=server.endpoint, token=server.token)


@pytest.fixture
def published(server, api, packed, tmp_path):
    """test/mood 1.0.0 with a large file, put into the folder without the server."""
    FolderHub(tmp_path / "served").publish(packed(weights=LARGE))
    return "zoo/test-mood"


def get(url: str, **headers: str) -> tuple[int, bytes, dict[str, str]]:
    request = urllib.request.Request(url, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read(), dict(answer.headers)
    except urllib.error.HTTPError as error:
        return error.code, error.read(), dict(error.headers)


def test_create_upload_tag_list_download(server, api, packed, tmp_path):
    folder = packed(weights=LARGE)
    repo = "zoo/test-mood"
    assert api.whoami()["name"] == "zoo"
    api.create_repo(repo)
    with pytest.raises(HfHubHTTPError, match="409"):
        api.create_repo(repo)
    commit = api.upload_folder(repo_id=repo, folder_path=folder)
    assert api.list_repo_refs(repo).tags == []
    assert api.repo_info(repo).sha == commit.oid
    api.create_tag(repo, tag="v1.0.0", revision=commit.oid)
    with pytest.raises(HfHubHTTPError, match="409"):
        api.create_tag(repo, tag="v1.0.0", revision=commit.oid)
    (tag,) = api.list_repo_refs(repo).tags
    assert (tag.name, tag.target_commit) == ("v1.0.0", commit.oid)
    sizes = {
        entry.path: (entry.size, entry.lfs is not None)
        for entry in api.list_repo_tree(repo, recursive=True)
        if hasattr(entry, "size")
    }
    assert sizes["model.safetensors"] == (len(LARGE), True)
    assert sizes["README.md"] == ((folder / "README.md").stat().st_size, False)
    assert [entry.path for entry in api.list_repo_tree(repo, "onnx")] == ["onnx/model.onnx", "onnx/model_int8.onnx"]
    copy = Path(api.snapshot_download(repo, revision="v1.0.0", cache_dir=tmp_path / "cache"))
    for path in folder.rglob("*"):
        if path.is_file():
            assert (copy / path.relative_to(folder)).read_bytes() == path.read_bytes()
    left = [path for path in (tmp_path / "served" / ".drafts").rglob("*") if path.is_file()]
    assert [path.parent.name for path in left] == ["objects"]  # for a day, since other uploads may count on it


def test_a_large_file_that_two_uploads_share_outlives_the_first(api, packed, tmp_path):
    store, sha256 = Store(tmp_path / "served"), hashlib.sha256(LARGE).hexdigest()
    api.create_repo("zoo/test-mood")
    commit = api.upload_folder(repo_id="zoo/test-mood", folder_path=packed(weights=LARGE))
    store.create("models", "test-other")
    assert store.has_object(sha256, len(LARGE))  # so it need not be sent again
    api.create_tag("zoo/test-mood", tag="v1.0.0", revision=commit.oid)
    store.write("models", "test-other", [{"key": "lfsFile", "value": {"path": "other.safetensors", "oid": sha256}}])
    os.utime(tmp_path / "served" / ".drafts" / "objects" / sha256, (0, 0))
    assert api.upload_file(path_or_fileobj=b"small", path_in_repo="small.txt", repo_id="zoo/test-other")
    assert not store.has_object(sha256, len(LARGE))
    path = api.hf_hub_download("zoo/test-other", "other.safetensors", cache_dir=tmp_path / "cache")
    assert Path(path).read_bytes() == LARGE


def test_what_the_folder_hub_wrote_is_read_through_the_protocol(published, api, tmp_path):
    assert [model.id for model in api.list_models(author="zoo")] == [published]
    assert list(api.list_models(author="somebody")) == []
    path = api.hf_hub_download(published, "model.safetensors", revision="v1.0.0", cache_dir=tmp_path / "cache")
    assert Path(path).read_bytes() == LARGE
    info = api.model_info(published, revision="v1.0.0")
    assert info.sha == api.list_repo_refs(published).branches[0].target_commit
    assert api.file_exists(published, "onnx/model.onnx", revision="v1.0.0")


def test_downloads_by_range_and_by_etag(published, server):
    url = f"{server.endpoint}/{published}/resolve/v1.0.0/model.safetensors"
    code, body, headers = get(url, Range="bytes=16-31")
    assert (code, body) == (206, LARGE[16:32])
    assert headers["content-range"] == f"bytes 16-31/{len(LARGE)}"
    assert len(headers["x-repo-commit"]) == 40
    assert len(headers["etag"].strip('"')) == 64


def test_what_is_not_there_is_told_apart(published, api):
    with pytest.raises(RepositoryNotFoundError):
        api.model_info("zoo/no-such")
    with pytest.raises(RepositoryNotFoundError):
        api.model_info("bank/test-mood")
    with pytest.raises(RepositoryNotFoundError):
        api.dataset_info(published)
    with pytest.raises(RevisionNotFoundError):
        api.model_info(published, revision="v9.9.9")
    with pytest.raises(EntryNotFoundError):
        api.hf_hub_download(published, "no-such.json", revision="v1.0.0")


@pytest.mark.parametrize("path", ["../../../.token", "..%2f..%2f.token", ".token", "/etc/passwd", "onnx"])
def test_no_path_leads_out_of_a_version(published, server, path):
    code, body, _ = get(f"{server.endpoint}/{published}/resolve/v1.0.0/{path}")
    assert code == 404 and server.token.encode() not in body


@pytest.mark.parametrize("repo", ["..", "%2e%2e", ".drafts", "test"])
def test_no_repository_leads_out_of_the_hub(published, server, repo):
    assert get(f"{server.endpoint}/api/models/zoo/{repo}/refs")[0] == 404


def test_writing_needs_the_token(published, server, tmp_path):
    stranger = HfApi(endpoint=server.endpoint, token="wrong")
    operations = {
        "create": lambda: stranger.create_repo("zoo/test-other"),
        "upload": lambda: stranger.upload_file(path_or_fileobj=b"x", path_in_repo="x.txt", repo_id=published),
        "large": lambda: stranger.upload_file(path_or_fileobj=LARGE, path_in_repo="x.bin", repo_id=published),
        "tag": lambda: stranger.create_tag(published, tag="v1.0.1"),
        "whoami": stranger.whoami,
    }
    for operation in operations.values():
        with pytest.raises(HfHubHTTPError) as refused:
            operation()
        assert refused.value.response.status_code == 401
    request = urllib.request.Request(f"{server.endpoint}/lfs/{'0' * 64}?permission=guess", data=b"x", method="PUT")
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(request, timeout=10)
    assert stat.S_IMODE(token_file(tmp_path / "served").stat().st_mode) == 0o600


def test_a_tag_is_only_made_of_a_sound_specialist_of_that_name_and_version(api, packed, tmp_path):
    folder = packed()
    api.create_repo("zoo/test-mood")
    api.upload_folder(repo_id="zoo/test-mood", folder_path=folder)
    for tag in ("v1.0.1", "latest", "1.0.0"):
        with pytest.raises(HfHubHTTPError, match=r"manifest says test/mood 1\.0\.0"):
            api.create_tag("zoo/test-mood", tag=tag)
    api.upload_file(path_or_fileobj=b"{}", path_in_repo="config.json", repo_id="zoo/test-mood")
    with pytest.raises(HfHubHTTPError, match=r"config\.json is not the file that was published"):
        api.create_tag("zoo/test-mood", tag="v1.0.0")
    with pytest.raises(HfHubHTTPError, match="422"):
        api.create_repo("zoo/nohyphen")
    assert api.list_repo_refs("zoo/test-mood").tags == []
    assert FolderHub(tmp_path / "served").versions("test/mood") == []


def test_a_commit_changes_what_it_names_and_keeps_the_rest(api):
    repo = "zoo/test-mood"
    api.create_repo(repo)
    first = api.upload_file(path_or_fileobj=LARGE, path_in_repo="a/large.bin", repo_id=repo)
    api.upload_file(path_or_fileobj=b"small", path_in_repo="a/small.txt", repo_id=repo)
    api.upload_file(path_or_fileobj=LARGE[::-1], path_in_repo="a/large.bin", repo_id=repo)
    assert sorted(api.list_repo_files(repo)) == ["a/large.bin", "a/small.txt"]
    api.delete_file("a/small.txt", repo_id=repo)
    assert api.list_repo_files(repo) == ["a/large.bin"]
    assert api.list_repo_files(repo, revision=first.oid) == ["a/large.bin"]
    (old,) = api.get_paths_info(repo, ["a/large.bin"], revision=first.oid)
    (new,) = api.get_paths_info(repo, ["a/large.bin"])
    assert old.lfs.sha256 != new.lfs.sha256
    with pytest.raises(HfHubHTTPError):
        api.upload_file(path_or_fileobj=b"x", path_in_repo="x.txt", repo_id=repo, revision="branch")


def test_many_readers_while_versions_arrive(published, api, packed, tmp_path):
    folders = [packed(f"1.0.{patch}", weights=bytes([patch]) * 2_000_000) for patch in range(1, 5)]
    hub = FolderHub(tmp_path / "served")

    def read(_: int) -> int:
        return len(api.list_repo_files(published, revision="v1.0.0"))

    with ThreadPoolExecutor(4) as pool:
        reading = pool.map(read, range(40))
        for folder in folders:
            hub.publish(folder)
        assert len(set(reading)) == 1
    assert len(api.list_repo_refs(published).tags) == 5


def test_datasets_opens_a_published_dataset_through_the_server(server, dataset, tmp_path):
    FolderHub(tmp_path / "served").publish_dataset(dataset.path)
    code = (
        "import sys, datasets; d = datasets.load_dataset('zoo/test-mood', revision=sys.argv[1]); "
        "print(len(d['train']), len(d['held_out']), d['train'].features['label'].names)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, dataset.version],
        env={
            "PATH": "",
            "HOME": str(tmp_path),
            "HF_HOME": str(tmp_path / "hf"),
            "HF_ENDPOINT": server.endpoint,
            "HF_HUB_DISABLE_TELEMETRY": "1",
        },
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    splits = dataset.manifest["splits"]
    assert done.stdout.strip() == f"{splits['train']} {splits['held_out']} ['sad', 'glad', 'calm']"


def test_only_loopback_names_are_answered(published, server):
    assert get(f"{server.endpoint}/api/models", Host="evil.example")[0] == 400
    assert get(f"{server.endpoint}/api/models", Host="localhost")[0] == 200


def test_large_files_go_through_the_proxy_that_stands_before_it(server, tmp_path):
    with proxied(server.endpoint) as (address, asked):
        api = HfApi(endpoint=address, token=server.token)
        made = api.create_repo("zoo/test-mood")
        commit = api.upload_file(path_or_fileobj=LARGE, path_in_repo="large.bin", repo_id="zoo/test-mood")
        path = api.hf_hub_download("zoo/test-mood", "large.bin", revision=commit.oid, cache_dir=tmp_path / "cache")
    assert Path(path).read_bytes() == LARGE
    assert any(one.startswith("PUT /lfs/") for one in asked)
    assert made.url.startswith(address) and commit.commit_url.startswith(address)


@pytest.mark.parametrize(
    ("told", "scheme", "host"),
    [
        ({"X-Forwarded-Host": "hub.example", "X-Forwarded-Proto": "https"}, "https", "hub.example"),
        (
            {"X-Forwarded-Host": "hub.example:8720, inner", "X-Forwarded-Proto": "https, http"},
            "https",
            "hub.example:8720",
        ),
        ({"X-Forwarded-Host": "hub.example", "X-Forwarded-Proto": "javascript"}, "http", "hub.example"),
        ({"X-Forwarded-Host": "hub.example"}, "http", "hub.example"),
        ({}, "http", "127.0.0.1"),
    ],
)
def test_what_a_proxy_is_called_is_what_clients_are_sent_to(server, told, scheme, host):
    batch = json.dumps({"objects": [{"oid": "a" * 64, "size": 5}]}).encode()
    said = {"Authorization": f"Bearer {server.token}", "Content-Type": "application/json", "Host": "127.0.0.1", **told}
    url = f"{server.endpoint}/zoo/test-mood.git/info/lfs/objects/batch"
    with urllib.request.urlopen(urllib.request.Request(url, batch, said), timeout=10) as answer:
        (item,) = json.load(answer)["objects"]
    assert item["actions"]["upload"]["href"].startswith(f"{scheme}://{host}/lfs/{'a' * 64}?permission=")


def test_who_is_asked_by_another_name_believes_no_proxy(server):
    assert get(f"{server.endpoint}/api/models", Host="evil.example", **{"X-Forwarded-Host": "127.0.0.1"})[0] == 400


def test_the_token_is_drawn_once(tmp_path):
    with ThreadPoolExecutor(8) as pool:
        tokens = set(pool.map(lambda _: load_token(tmp_path / "hub"), range(8)))
    assert len(tokens) == 1 and len(tokens.pop()) > 40
    assert [path.name for path in (tmp_path / "hub").iterdir()] == [".token"]


def test_a_port_in_use_is_an_error_in_words(server, tmp_path):
    port = int(server.endpoint.rsplit(":", 1)[1])
    with pytest.raises(ServiceError, match=f"Port {port} is in use"), running(tmp_path / "other", port=port):
        pass


@pytest.mark.real
def test_the_server_as_a_process_of_its_own(packed, tmp_path, monkeypatch):
    for name, value in {"HOME": tmp_path / "home", "HUB": tmp_path / "hub", "HUB_PORT": free_port()}.items():
        monkeypatch.setenv(f"FACTORY_{name}", str(value))
    FolderHub(tmp_path / "hub").publish(packed())
    server = HubServer(settings.load())
    assert server.state == "down"
    try:
        assert server.start() is True
        assert server.start() is False
        assert zoo.load("test/mood", hub=f"{server.url}/zoo").version == "1.0.0"
        assert open_hub(f"{server.url}/zoo", load_token(tmp_path / "hub")).publish(packed("1.0.1", weights=b"other"))
        assert server.url in server.describe() and load_token(tmp_path / "hub") not in server.describe()
    finally:
        assert server.stop() is True
    assert server.state == "down"


def test_a_hub_that_is_a_server_already_is_not_served(monkeypatch):
    monkeypatch.setenv("FACTORY_HUB", "https://hub.example/bank")
    with pytest.raises(ServiceError, match="server already"):
        HubServer(settings.load()).start()
