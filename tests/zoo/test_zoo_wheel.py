"""The wheel, as an application developer gets it: built, installed alone into a fresh environment, asked offline."""

import json
import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

import zoo

ROOT = Path(zoo.__file__).parent.parent
OFFLINE = """
import socket, sys

def refused(*_, **__):
    raise OSError("the network is blocked")

socket.socket.connect = socket.socket.connect_ex = socket.getaddrinfo = refused
import json, zoo
specialist = zoo.load("finance/sentiment", hub=sys.argv[1])
answer = specialist.predict("word1 word2", scores=True)
print(json.dumps([zoo.__file__, specialist.version, answer.scores]))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    out = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (made,) = out.glob("*.whl")
    return made


@pytest.fixture(scope="module")
def environment(wheel, tmp_path_factory):
    folder = tmp_path_factory.mktemp("fresh") / "env"
    venv.create(folder, with_pip=True)
    done = subprocess.run(
        [folder / "bin/python", "-m", "pip", "install", "-q", wheel], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return folder


def test_the_wheel_holds_the_zoo_alone(wheel):
    with zipfile.ZipFile(wheel) as archive:
        tops = {name.split("/")[0] for name in archive.namelist()}
        assert tops == {"zoo", f"specialist_zoo-{zoo.__version__}.dist-info"}
        inside = {name for name in archive.namelist() if name.startswith("zoo/")}
        metadata = archive.read(f"specialist_zoo-{zoo.__version__}.dist-info/METADATA").decode()
    sources = {path.relative_to(ROOT).as_posix() for path in (ROOT / "zoo").rglob("*.py")}
    pages = {
        f"zoo/serve/page/{name}"
        for name in ("index.html", "page.css", "page.js", "edge.html", "edge.js", "edge_page.js")
    }
    assert inside == sources | pages | {"zoo/py.typed", "zoo/README.md"}
    needs = [line.split(": ")[1] for line in metadata.splitlines() if line.startswith("Requires-Dist")]
    extra = {need.split(">")[0] for need in needs if "extra == 'serve'" in need}
    assert extra == {"fastapi", "uvicorn", "prometheus-client", "markdown-it-py"}
    assert {need.split(">")[0] for need in needs if "extra == 'sign'" in need} == {"cryptography"}
    light = {need.split(">")[0] for need in needs if "extra" not in need}
    assert light == {"numpy", "onnxruntime", "tokenizers", "huggingface-hub"}


@pytest.mark.real
def test_a_fresh_environment_is_light(environment):
    done = subprocess.run(
        [environment / "bin/python", "-m", "pip", "list", "--format", "json"],
        capture_output=True,
        text=True,
        check=True,
    )
    names = {package["name"].lower() for package in json.loads(done.stdout)}
    assert "specialist-zoo" in names
    assert not names & {"torch", "transformers", "datasets", "scikit-learn", "pydantic"}
    size = sum(path.lstat().st_size for path in environment.rglob("*") if not path.is_dir())
    assert size < 250e6


@pytest.mark.real
def test_a_fresh_environment_answers_without_a_network(environment, hub, tmp_path):
    command = [environment / "bin/python", "-c", OFFLINE, hub]
    if unshare := shutil.which("unshare"):
        alone = [unshare, "--map-root-user", "--net"]  # a network namespace of its own, where that is allowed
        if subprocess.run([*alone, "true"], capture_output=True, check=False).returncode == 0:
            command = [*alone, *command]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    file, version, scores = json.loads(done.stdout)
    assert Path(file).is_relative_to(environment)
    assert version == "2.0.0"
    assert scores == pytest.approx(zoo.load("finance/sentiment", hub=hub).predict("word1 word2", scores=True).scores)


@pytest.mark.real
def test_the_command_is_installed(environment, hub, tmp_path):
    command = [environment / "bin/zoo", "predict", "support/intent", "word1", "--hub", hub]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("word1\n")


@pytest.mark.real
def test_serving_says_which_extra_it_needs(environment, hub, tmp_path):
    command = [environment / "bin/zoo", "serve", "support/intent", "--hub", hub]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    assert "fastapi" in done.stderr and "pip install 'specialist-zoo[serve]'" in done.stderr
