"""`python -m flows.family [SPEC ...] [--budget quick|full] [--at-once N] [--ray]`: build all specialists, or some.

Each is built by `python -m flows.build` in a process of its own, so that one that fails, or is killed for want of
memory, stops no other; what it says is in `<home>/logs/family/`. At the end a table tells what became of each, and the
seconds of each stage. Started again, finished stages are found. With `--ray` they are spread over the nodes of a Ray
cluster (flows.fan_out).

Exit status: 0 every one published; 1 at least one was not, for an error or its gate; 4 none failed, and at least one
waits for people; 2 wrong usage; 130 interrupted.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from factory import settings as environment
from factory import spec as specs
from factory.errors import FactoryError
from factory.ray_cluster import address
from factory.settings import Settings
from flows import engine, fan_out
from flows.built import Built
from flows.terminal import WAITS, ended, say


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns its exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m flows.family", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("specs", metavar="SPEC", nargs="*", help="all of them, if none is named")
    parser.add_argument("--budget", choices=["quick", "full"], default="quick")
    parser.add_argument("--at-once", type=int, default=1, help="builds at the same time; default: 1")
    parser.add_argument("--ray", action="store_true", help="on the Ray cluster at RAY_ADDRESS, or a Ray started here")
    asked = parser.parse_args(arguments)
    if asked.at_once < 1:
        parser.error("--at-once must be at least 1")
    return ended(lambda: run(asked.specs, asked.budget, asked.at_once, asked.ray))


def run(named: Sequence[str], budget: str, at_once: int, ray: bool) -> int:
    """Build those that are named, or all; returns the exit status. Raises FactoryError."""
    settings = environment.load()
    check(at_once, ray, settings)
    engine.connect(settings)
    built = build(named, budget, settings, at_once, ray)
    say(f"\n{table(built)}")
    return status(built)


def check(at_once: int, ray: bool, settings: Settings) -> None:
    """Raise FactoryError where builds of this machine would need the teacher that each starts here at once."""
    elsewhere = settings.teacher_url or settings.teacher_batch or (ray and address())
    if at_once > 1 and not elsewhere:
        raise FactoryError(
            "Several builds can't share the teacher that a build starts here.",
            where="--at-once",
            fix="Name a teacher that runs by itself (FACTORY_TEACHER_URL), or build one after the other.",
        )


def build(named: Sequence[str], budget: str, settings: Settings, at_once: int, ray: bool) -> list[Built]:
    """Build those that are named, or all.

    Args:
        named: each is built once, in this order.
        budget: `quick` or `full`.
        settings: of this machine.
        at_once: how many at a time; of a cluster's nodes each says for itself.
        ray: on a Ray cluster.

    Raises:
        FactoryError: there is no such cluster.
    """
    names = list(dict.fromkeys(named)) or specs.names(settings.prompts)
    return fan_out.on_ray(names, budget, at_once) if ray else fan_out.here(names, budget, at_once, settings)


def status(built: Sequence[Built]) -> int:
    """The exit status of all together."""
    if any(one.status not in (0, WAITS) for one in built):
        return 1
    return WAITS if any(one.status == WAITS for one in built) else 0


def table(built: Sequence[Built]) -> str:
    """A line a specialist: its version or why not, and below it the seconds of each stage."""
    lines = [f"{'specialist':<28} {'time':>8}  became"]
    for one in built:
        lines.append(f"{one.name:<28} {one.line}")
        if one.seconds:
            stages = ", ".join(f"{stage} {seconds:.0f}" for stage, seconds in one.seconds.items())
            lines.append(f"    seconds: {stages}")
    published = sum(one.status == 0 for one in built)
    return "\n".join([*lines, f"{published} of {len(built)} published"])


if __name__ == "__main__":
    sys.exit(main())
