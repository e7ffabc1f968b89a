"""One specialist's build as those do it who build several: in a process of its own, to its end."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from factory.errors import FactoryError
from factory.progress import clock
from factory.publish.hub import open_hub
from factory.settings import CHECKOUT, Settings
from flows.terminal import WAITS, say
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

    @property
    def line(self) -> str:
        """How long it took, and the first line of what became of it."""
        first, _, _ = self.became.partition("\n")
        return f"{clock(self.total):>8}  {first}"


def build(name: str, budget: str, settings: Settings) -> Built:
    """Build one in a process of its own, to its end; it ends with this one, too."""
    log = settings.home / "logs" / "family" / f"{name.replace('/', '-')}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    say(f"{name}: {log}")
    begun, since = time.monotonic(), datetime.now(UTC)
    with log.open("w", encoding="utf-8") as out:
        command = [sys.executable, "-m", "flows.build", name, "--budget", budget, "--caller", str(os.getpid())]
        code = subprocess.run(
            command, cwd=CHECKOUT, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, check=False
        ).returncode
    became = _version(name, settings) if code == 0 else _why(code, log)
    found = Built(name, code, became, stages(name, since), time.monotonic() - begun)
    say(found.line)
    return found


def stages(name: str, since: datetime) -> dict[str, float]:
    """Seconds by stage of the specialist's runs begun since then, as Prefect knows them, in order; a stage that was
    killed counts from its last start. Nothing where Prefect can't be asked: how long a build took is no reason to stop
    what comes after it."""
    import httpx
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import FlowRunFilter

    own = FlowRunFilter.model_validate({"tags": {"all_": [name]}, "start_time": {"after_": since}})
    try:
        with get_client(sync_client=True) as client:
            runs = client.read_flow_runs(flow_run_filter=own)
            if not runs:
                return {}
            ids = {"any_": [run.id for run in runs]}
            tasks = client.read_task_runs(flow_run_filter=FlowRunFilter.model_validate({"id": ids}))
    except (httpx.HTTPError, RuntimeError, ValueError):  # gone; of another version; something else answers there
        return {}
    found: dict[str, float] = {}
    for task in sorted(tasks, key=lambda task: task.expected_start_time):
        found[task.name] = found.get(task.name, 0.0) + task.total_run_time.total_seconds()
    return found


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
