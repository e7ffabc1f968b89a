"""Where the builds of a family are done: on this machine, or on the nodes of a Ray cluster.

The stages of one build follow from one another, so what can be done at once is builds. Not by Prefect's task runner for
Ray: its tasks report from every node to Prefect's server, which here listens on loopback alone; so each node's builds
report to a server of its own.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from factory import settings as environment
from factory.errors import FactoryError
from factory.ray_cluster import address, cluster
from factory.settings import Settings
from flows import engine
from flows.built import Built, build
from flows.terminal import say

BUILDS = "builds"
"""The resource of a Ray node that says how many builds it takes at a time."""


def here(names: Sequence[str], budget: str, at_once: int, settings: Settings) -> list[Built]:
    """So many at a time on this machine; in the order of the names."""
    with ThreadPoolExecutor(at_once) as pool:
        return list(pool.map(lambda name: build(name, budget, settings), names))


def on_ray(names: Sequence[str], budget: str, at_once: int) -> list[Built]:
    """A Ray task a build, by the FACTORY_* settings of the node that does it; in the order of the names.

    Args:
        names: of the specialists.
        budget: `quick` or `full`.
        at_once: how many a Ray that is started on this machine does at a time; nodes of a cluster say for themselves.

    Raises:
        FactoryError: Ray is not installed or can't be reached, or no node takes builds.
    """
    begun, built = time.monotonic(), dict[str, Built]()
    with cluster({BUILDS: at_once}) as ray:
        if not ray.cluster_resources().get(BUILDS):
            raise FactoryError(
                "No node of the Ray cluster takes builds.",
                where=f"RAY_ADDRESS={address()}",
                fix=f"""Start nodes with: ray start --address=HEAD:6379 --resources='{{"{BUILDS}": 1}}'""",
            )
        task = ray.remote(num_cpus=0, resources={BUILDS: 1})(_on_a_node)
        running = {task.remote(name, budget): name for name in names}
        while running:
            for ready in ray.wait(list(running), num_returns=1)[0]:
                name = running.pop(ready)
                built[name] = _outcome(ray, ready, name, begun)
                say(f"{name}\n{built[name].line}")
    return [built[name] for name in names]


def _on_a_node(name: str, budget: str) -> Built:
    settings = environment.load()
    engine.connect(settings)
    return build(name, budget, settings)


def _outcome(ray: Any, ready: Any, name: str, begun: float) -> Built:
    """What the node told; or why it told nothing."""
    try:
        found: Built = ray.get(ready)
    except ray.exceptions.RayError as error:
        lines = [line for line in str(error).splitlines() if line.strip()]
        return Built(name, 1, f"no answer of its node: {lines[-1].strip()}", {}, time.monotonic() - begun)
    return found
