"""A build in a container, by deploy/docker.yaml, where there are Docker, its image and Prefect's worker for it.

    docker build --file deploy/Dockerfile --tag specialist-factory .
    pip install prefect-docker==0.7.4
    pytest tests/flows/test_docker_pool.py

The docker library, and so this test, talks to Docker at DOCKER_HOST, which may be podman's socket.
"""

from __future__ import annotations

import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

import zoo
from factory.services.hub.server import Running, running
from factory.settings import CHECKOUT
from factory.stages import STAGES
from tests.flows.world import World

pytest.importorskip("prefect_docker")
docker = pytest.importorskip("docker")
TEMPLATE = CHECKOUT / "deploy" / "docker.yaml"
INSIDE = "/home/factory"


@pytest.fixture
def volume() -> Iterator[str]:
    """A volume for a FACTORY_HOME, which takes its owner from the image; skipped where Docker or the image is not."""
    image = yaml.safe_load(TEMPLATE.read_text())["deployments"][0]["work_pool"]["job_variables"]["image"]
    try:
        client = docker.from_env()
        client.images.get(image)
    except docker.errors.DockerException as error:
        pytest.skip(f"no image {image}: {error}")
    made = client.volumes.create(f"factory-test-{uuid.uuid4().hex}")
    yield made.name
    made.remove(force=True)


@pytest.mark.real
def test_a_specialist_is_built_in_a_container(
    world: World, volume: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))
    name = world.specialist("test/docker")
    with running(tmp_path / "hub") as hub:
        file = deployment(world, name, volume, hub, tmp_path / "docker.yaml")
        for command in (
            ["work-pool", "create", "factory-docker", "--type", "docker"],
            ["--no-prompt", "deploy", "--all", "--prefect-file", str(file)],
            ["deployment", "run", "build/docker", "--param", f"spec={name}"],
        ):
            prefect(world, *command)
        said = prefect(world, "worker", "start", "--pool", "factory-docker", "--limit", "1", "--run-once")
        (run,) = world.runs(name)
        assert run["state_type"] == "COMPLETED", said
        assert world.tasks(run) == dict.fromkeys(STAGES, "COMPLETED")
        assert zoo.load(name, hub=hub.address).version == "1.0.0"


def deployment(world: World, name: str, volume: str, hub: Running, file: Path) -> Path:
    """The template with this test's addresses and folders in place of a company's, as an operator fills it in."""
    declared = yaml.safe_load(TEMPLATE.read_text())
    (own,) = declared["deployments"]
    given = own["work_pool"]["job_variables"]
    known = world.settings
    places = {"gold": known.gold, "seed": known.gold, "prompts": known.prompts, "data/weights": known.weights.resolve()}
    encoder = world.student["encoder"]
    (Path(encoder) / "model.safetensors").chmod(0o644)  # the container has another user
    own |= {"parameters": {"spec": name}, "tags": [name]}
    given |= {
        "network_mode": "host",
        "volumes": [
            f"{volume}:{INSIDE}/data",
            f"{encoder}:{encoder}:ro",
            *(f"{path}:{INSIDE}/{inside}:ro" for inside, path in places.items()),
        ],
    }
    variables: dict[str, Any] = given["env"]
    del variables["FACTORY_ARGILLA_URL"]
    variables |= {
        "PREFECT_API_URL": f"{world.prefect.url}/api",
        "FACTORY_TEACHER_URL": world.teacher.server.url,
        "FACTORY_HUB": hub.address,
        "HF_TOKEN": hub.token,
        "FACTORY_REVIEW": "jsonl",
        "FACTORY_PROMPTS": f"{INSIDE}/prompts",
    }
    file.write_text(yaml.safe_dump(declared))
    return file


def prefect(world: World, *arguments: str) -> str:
    """What Prefect's command says, which must succeed."""
    ended = subprocess.run(
        [sys.executable, "-m", "prefect", *arguments],
        cwd=CHECKOUT,
        env=world.environment | {"PREFECT_API_URL": f"{world.prefect.url}/api", "DO_NOT_TRACK": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=1200,
    )
    assert ended.returncode == 0, ended.stdout
    return ended.stdout
