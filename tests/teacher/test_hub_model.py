"""Models of the Hub over a server that speaks its protocol: a name means one commit, whatever is there or comes."""

from __future__ import annotations

import dataclasses
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import huggingface_hub
import pytest
from huggingface_hub import constants

from factory import settings as factory_settings
from factory import spec as specs
from factory.errors import ServiceError, TeacherError
from factory.settings import CHECKOUT, Settings
from factory.stages import Build
from factory.teacher import hub_model, weights
from factory.teacher.server import TeacherServer
from tests import shop
from tests.teacher.test_server import free_port
from tests.zoo.hub_server import HubServer, _commit

MODEL = "models/tiny-chat"
FIRST, SECOND = _commit("1"), _commit("2")


def publish(root: Path, version: str, name: str = "tiny/chat", weights: str = "model.safetensors") -> None:
    folder = root / name / version
    (folder / "onnx").mkdir(parents=True)
    for file in ("config.json", "tokenizer.json", weights, "onnx/model.onnx", "README.md"):
        (folder / file).write_text(f"{version} {file}")


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    publish(tmp_path / "served", "1")
    with HubServer(tmp_path / "served", namespace="models") as server:
        monkeypatch.setattr(constants, "ENDPOINT", server.endpoint)
        template = f"{server.endpoint}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
        yield server


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return dataclasses.replace(
        factory_settings.load(), home=tmp_path / "home", teacher_url="", teacher_key="", teacher_batch=None
    )


def test_a_name_means_the_same_before_it_is_downloaded_and_after_and_when_the_hub_moves_on(
    hub: HubServer, settings: Settings, tmp_path: Path
) -> None:
    before = weights.identity(MODEL, settings)
    assert before == f"{MODEL}@hub:{FIRST[:12]}"
    huggingface_hub.snapshot_download(MODEL, revision="main")  # as whoever loads it by its name does
    assert weights.identity(MODEL, settings) == before
    publish(tmp_path / "served", "2")
    huggingface_hub.snapshot_download(MODEL, revision="main")
    assert weights.identity(MODEL, settings) == before
    assert (Path(weights.resolve(MODEL, settings)) / "config.json").read_text() == "1 config.json"
    (settings.hub_models / "models--tiny-chat").unlink()
    assert weights.identity(MODEL, settings) == f"{MODEL}@hub:{SECOND[:12]}"
    assert (Path(weights.resolve(MODEL, settings)) / "config.json").read_text() == "2 config.json"


def test_a_build_names_a_teacher_of_the_hub_alike_before_it_runs_and_ever_after(
    hub: HubServer, settings: Settings, tmp_path: Path
) -> None:
    where = dataclasses.replace(settings, prompts=tmp_path / "prompts", gold=tmp_path / "gold")
    shop.make_specialist(where.prompts / "test/shop", where.gold, {"teacher": {"model": MODEL}})
    spec = specs.load("test/shop", where.prompts)
    first = Build(spec, "quick", where).teacher
    weights.resolve(MODEL, where)
    publish(tmp_path / "served", "2")
    assert Build(spec, "quick", where).teacher == first == weights.identity(MODEL, where)


def test_vllm_is_started_with_the_commit_s_own_files_and_looks_for_no_newer_ones(
    hub: HubServer, settings: Settings, tmp_path: Path
) -> None:
    python = tmp_path / "envs" / "teacher" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\necho "$HF_HUB_OFFLINE" "$@" > {tmp_path}/said\nexit 1\n')
    python.chmod(0o755)
    name = weights.identity(MODEL, settings)
    publish(tmp_path / "served", "2")
    with pytest.raises(ServiceError, match="ended while starting"):
        TeacherServer(
            MODEL, dataclasses.replace(settings, environments=tmp_path / "envs", teacher_port=free_port())
        ).start()
    said = (tmp_path / "said").read_text().split()
    folder = Path(said[said.index("--model") + 1])
    assert said[0] == "1" and folder.name == FIRST and (folder / "model.safetensors").is_file()
    assert said[said.index("--served-model-name") + 1] == name


def test_what_the_cache_holds_as_the_newest_is_what_is_meant(
    hub: HubServer, settings: Settings, tmp_path: Path
) -> None:
    huggingface_hub.snapshot_download(MODEL, revision="main")
    publish(tmp_path / "served", "2")
    assert weights.revision(MODEL, settings) == f"hub:{FIRST[:12]}"
    hub.stop()
    shutil.rmtree(settings.home)
    assert weights.revision(MODEL, settings) == f"hub:{FIRST[:12]}", "without a network, too"
    assert (Path(weights.resolve(MODEL, settings)) / "model.safetensors").is_file()


def test_only_what_transformers_reads_is_downloaded_and_once(hub: HubServer, settings: Settings) -> None:
    folder = weights.resolve(MODEL, settings)
    assert {path.name for path in folder.rglob("*") if path.is_file()} == {
        "config.json", "tokenizer.json", "model.safetensors"
    }  # fmt: skip
    hub.requests.clear()
    assert weights.resolve(MODEL, settings) == folder
    assert hub.requests == []
    hub.stop()
    assert weights.resolve(MODEL, settings) == folder


def test_a_progress_bar_is_for_what_comes_and_not_for_what_is_there(
    hub: HubServer, settings: Settings, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules["huggingface_hub.utils.tqdm"], "progress_bar_states", {})  # other tests hide it
    weights.resolve(MODEL, settings)
    assert "Fetching" in capfd.readouterr().err
    weights.resolve(MODEL, settings)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("file", ["pytorch_model.bin", "model.gguf"])
def test_weights_are_safetensors_and_no_pickle_is_taken_instead(
    hub: HubServer, settings: Settings, tmp_path: Path, file: str
) -> None:
    publish(tmp_path / "served", "1", "old/chat", file)
    with pytest.raises(TeacherError, match="no weights as safetensors") as caught:
        weights.resolve("models/old-chat", settings)
    assert "folder" in caught.value.fix and not list(Path(caught.value.where).rglob(file))


def test_many_who_ask_at_once_agree_on_one_commit(
    hub: HubServer, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    commits = iter(f"{number:040x}" for number in range(16))
    monkeypatch.setattr(hub_model, "_newest", lambda _: next(commits))
    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(lambda _: hub_model.commit(MODEL, settings), range(16)))
    assert found == {hub_model.commit(MODEL, settings)}
    assert [path.name for path in settings.hub_models.iterdir()] == ["models--tiny-chat"]


def test_a_model_that_is_not_there_is_told(hub: HubServer, settings: Settings) -> None:
    with pytest.raises(TeacherError, match=r"does not give models/none-such \(404\)") as caught:
        weights.identity("models/none-such", settings)
    assert caught.value.where == hub.endpoint and "HF_TOKEN" in caught.value.fix
    assert not settings.hub_models.exists()


def test_without_a_network_it_is_told_what_to_do(hub: HubServer, settings: Settings) -> None:
    hub.stop()
    with pytest.raises(TeacherError, match="can't be reached or understood") as caught:
        weights.identity(MODEL, settings)
    assert "folder" in caught.value.fix and "HF_ENDPOINT" in caught.value.fix
    assert not settings.hub_models.exists(), "what could not be looked up is not remembered"


@pytest.mark.parametrize("page", ["<html>Please log in</html>", "[]", '{"sha": null}', '{"id": "a/b", "sha": "x"}'])
def test_a_page_in_front_of_the_hub_is_told(hub: HubServer, settings: Settings, page: str) -> None:
    hub.page = page
    with pytest.raises(TeacherError, match="can't be reached or understood"):
        weights.identity(MODEL, settings)
    assert not settings.hub_models.exists()


def test_a_file_that_holds_no_commit_is_named(hub: HubServer, settings: Settings) -> None:
    settings.hub_models.mkdir(parents=True)
    file = settings.hub_models / "models--tiny-chat"
    file.write_text("main")
    with pytest.raises(TeacherError, match="no commit") as caught:
        weights.identity(MODEL, settings)
    assert caught.value.where == str(file)


def test_the_cache_is_where_the_hub_s_own_settings_put_it(settings: Settings, tmp_path: Path) -> None:
    ref = tmp_path / "elsewhere" / "models--owner--name" / "refs" / "main"
    ref.parent.mkdir(parents=True)
    ref.write_text(FIRST)
    code = (
        "import dataclasses, sys, pathlib; from factory import settings; from factory.teacher import weights;"
        "where = dataclasses.replace(settings.load(), home=pathlib.Path(sys.argv[1]));"
        "print(weights.identity('owner/name', where))"
    )
    env = {"PATH": "", "HF_HUB_CACHE": str(tmp_path / "elsewhere"), "HF_ENDPOINT": "http://127.0.0.1:9"}
    done = subprocess.run(
        [sys.executable, "-c", code, settings.home], cwd=CHECKOUT, env=env, capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == f"owner/name@hub:{FIRST[:12]}", done.stderr
