"""`python -m flows.family [SPEC ...] [--budget quick|full] [--at-once N]`: build all specialists, or those named.

Each is built by `python -m flows.build` in a process of its own, so that one that fails, or is killed for want of
memory, stops no other; what it says is in `<home>/logs/family/`. At the end a table tells what became of each, and the
seconds of each stage. Started again, finished stages are found.

Exit status: 0 every one published; 1 at least one was not, for an error or its gate; 4 none failed, and at least one
waits for people; 2 wrong usage; 130 interrupted.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from factory import settings as environment
from factory import spec as specs
from factory.errors import FactoryError
from factory.progress import clock
from factory.publish.hub import open_hub
from factory.settings import CHECKOUT, Settings
from flows import engine
from flows.terminal import WAITS, ended, say
from zoo.yanked import given


@dataclass(frozen=True)
class Built:
    """What became of one specialist.

    Attributes:
        name: `<vertical>/<task>`.
        status: exit status of its build.
        became: the published version; or why there is none.
        seconds: stage to how long it took; those that were there already took next to nothing.
        total: seconds in all.
    """

    name: str
    status: int
    became: str
    seconds: Mapping[str, float]
    total: float


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns its exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m flows.family", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("specs", metavar="SPEC", nargs="*", help="all of them, if none is named")
    parser.add_argument("--budget", choices=["quick", "full"], default="quick")
    parser.add_argument("--at-once", type=int, default=1, help="builds at the same time; default: 1")
    asked = parser.parse_args(arguments)
    if asked.at_once < 1:
        parser.error("--at-once must be at least 1")
    return ended(lambda: run(asked.specs, asked.budget, asked.at_once))


def run(named: Sequence[str], budget: str, at_once: int) -> int:
    """Build those that are named, or all; returns the exit status. Raises FactoryError."""
    settings = environment.load()
    names = list(dict.fromkeys(named)) or specs.names(settings.prompts)
    if at_once > 1 and not (settings.teacher_url or settings.teacher_batch):
        raise FactoryError(
            "Several builds can't share the teacher that a build starts here.",
            where="--at-once",
            fix="Name a teacher that runs by itself (FACTORY_TEACHER_URL), or build one after the other.",
        )
    engine.connect(settings)
    with ThreadPoolExecutor(at_once) as pool:
        built = list(pool.map(lambda name: build(name, budget, settings), names))
    say(f"\n{table(built)}")
    return status(built)


def build(name: str, budget: str, settings: Settings) -> Built:
    """Build one in a process of its own, to its end."""
    log = settings.home / "logs" / "family" / f"{name.replace('/', '-')}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    say(f"{name}: {log}")
    begun, since = time.monotonic(), datetime.now(UTC)
    with log.open("w", encoding="utf-8") as out:
        command = [sys.executable, "-m", "flows.build", name, "--budget", budget]
        code = subprocess.run(
            command, cwd=CHECKOUT, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, check=False
        ).returncode
    became = _version(name, settings) if code == 0 else _why(code, log)
    found = Built(name, code, became, _stages(name, since), time.monotonic() - begun)
    say(f"  {clock(found.total)}  {_first(became)}")
    return found


def status(built: Sequence[Built]) -> int:
    """The exit status of all together."""
    if any(one.status not in (0, WAITS) for one in built):
        return 1
    return WAITS if any(one.status == WAITS for one in built) else 0


def table(built: Sequence[Built]) -> str:
    """A line a specialist: its version or why not, and below it the seconds of each stage."""
    lines = [f"{'specialist':<28} {'time':>8}  became"]
    for one in built:
        lines.append(f"{one.name:<28} {clock(one.total):>8}  {_first(one.became)}")
        if one.seconds:
            stages = ", ".join(f"{stage} {seconds:.0f}" for stage, seconds in one.seconds.items())
            lines.append(f"    seconds: {stages}")
    published = sum(one.status == 0 for one in built)
    return "\n".join([*lines, f"{published} of {len(built)} published"])


def _first(said: str) -> str:
    return said.partition("\n")[0]


def _version(name: str, settings: Settings) -> str:
    try:
        return str(given(open_hub(settings.hub, settings.hub_token), name)[-1])
    except (FactoryError, IndexError):  # it was there a moment ago; the build's own word counts
        return "published"


def _why(code: int, log: Path) -> str:
    """The error that a build ended with, all of its lines."""
    if code == WAITS:
        return "waits for people"
    if code < 0:
        return f"killed by signal {-code}"
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    lines = [line for line in lines if line.strip() and not line.startswith(("Total time", "[", "Where to look"))]
    starts = [number for number, line in enumerate(lines) if line[:1].strip()]
    return "\n".join(lines[starts[-1] :]) if starts else f"ended with {code}"


def _stages(name: str, since: datetime) -> dict[str, float]:
    """Seconds by stage of the specialist's newest run, as Prefect knows it; none where no run was begun."""
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import FlowRunFilter
    from prefect.client.schemas.sorting import FlowRunSort

    own = FlowRunFilter.model_validate({"tags": {"all_": [name]}, "start_time": {"after_": since}})
    with get_client(sync_client=True) as client:
        runs = client.read_flow_runs(flow_run_filter=own, sort=FlowRunSort.START_TIME_DESC, limit=1)
        if not runs:
            return {}
        tasks = client.read_task_runs(flow_run_filter=FlowRunFilter.model_validate({"id": {"any_": [runs[0].id]}}))
    tasks.sort(key=lambda task: task.expected_start_time)
    return {task.name: task.total_run_time.total_seconds() for task in tasks}


if __name__ == "__main__":
    sys.exit(main())
