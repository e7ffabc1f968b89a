"""All specialists by one command on a Ray, where it is installed: of this machine, and of two nodes."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from factory.services.prefect import PrefectServer
from factory.services.process import free_port
from factory.stages import STAGES
from flows.fan_out import BUILDS
from tests.flows.test_family_flow import RUN
from tests.flows.world import World

pytest.importorskip("ray")
pytestmark = pytest.mark.real
TOKEN = {"RAY_AUTH_MODE": "token"}
"""A Ray that is started asks for the user's token (~/.ray/auth_token); who comes later has to be told to show it."""


def test_builds_are_spread_over_a_ray(world: World) -> None:
    name = world.specialist("test/family_ray")
    ended = world.run(name, "test/nothing", "--ray", "--at-once", "2", code=RUN, timeout=600)
    assert ended.returncode == 1, ended.stdout
    said = ended.stdout[ended.stdout.index("specialist  ") :].splitlines()
    assert said[1].startswith(name)
    assert said[1].endswith("  1.0.0")
    assert all(f"{stage} " in said[2] for stage in STAGES)
    assert "There is no specialist named 'test/nothing'" in said[3]
    assert said[-1] == "1 of 2 published"


def test_nodes_of_a_cluster_build_in_homes_of_their_own(world: World, tmp_path: Path) -> None:
    names = [world.specialist(f"test/family_node_{number}") for number in (1, 2)]
    homes = [tmp_path / "one", tmp_path / "two"]
    with ExitStack() as stack:
        scratch = stack.enter_context(tempfile.TemporaryDirectory())  # tmp_path is too long for sockets' names
        head = ["--head", f"--port={free_port()}", "--include-dashboard=false", f"--temp-dir={scratch}"]
        address = stack.enter_context(node(world, head, None, "ray start --address='"))
        by_cluster = dataclasses.replace(world, environment=world.environment | TOKEN | {"RAY_ADDRESS": address})
        refused = by_cluster.run(*names, "--ray", code=RUN, timeout=600)
        assert refused.returncode == 1, refused.stdout
        assert "No node of the Ray cluster takes builds." in refused.stdout
        for home in homes:
            stack.enter_context(node(world, [f"--address={address}"], home, "Ray runtime started"))
        ended = by_cluster.run(*names, "--ray", code=RUN, timeout=600)
        assert ended.returncode == 0, ended.stdout
        assert ended.stdout.endswith("2 of 2 published\n")
        assert [len(list((home / "logs" / "family").iterdir())) for home in homes] == [1, 1]


@contextmanager
def node(world: World, arguments: list[str], home: Path | None, until: str) -> Iterator[str]:
    """A node of a Ray cluster: it takes one build at a time, in this home; None: it takes none.

    Gives what it says behind `until`, up to a quotation mark.
    """
    environment, offered, prefect = world.environment | TOKEN | {"PYTHONUNBUFFERED": "1"}, {}, None
    if home is not None:
        home.mkdir()
        (home / "weights").symlink_to(world.settings.weights)
        own = dataclasses.replace(world.settings, home=home, prefect_port=free_port())
        environment |= {"FACTORY_HOME": str(home), "FACTORY_PREFECT_PORT": str(own.prefect_port)}
        offered, prefect = {BUILDS: 1}, PrefectServer(own)
    here = ["--num-cpus=1", "--disable-usage-stats"]
    command = [str(Path(sys.executable).parent / "ray"), "start", "--block", *arguments, *here]
    with subprocess.Popen(
        [*command, f"--resources={json.dumps(offered)}"],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout is not None
        try:
            said = [""]
            while until not in said[-1]:
                said.append(process.stdout.readline())
                assert said[-1], "".join(said)
            yield said[-1].partition(until)[2].partition("'")[0]
        finally:
            process.terminate()
            if prefect is not None:
                prefect.stop()
