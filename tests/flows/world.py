"""A FACTORY_HOME, a teacher and a Prefect server, and what tests ask of them."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
import urllib.request
from typing import Any

from factory.services.prefect import PrefectServer
from factory.settings import CHECKOUT, Settings
from tests.shop import Teacher, make_specialist


@dataclasses.dataclass
class World:
    """A FACTORY_HOME, a teacher and a Prefect server.

    Attributes:
        settings: as a command started by `run` finds them.
        teacher: what it asks.
        prefect: where it reports.
        environment: of such a command.
        student: of few weights, as a spec names it.
    """

    settings: Settings
    teacher: Teacher
    prefect: PrefectServer
    environment: dict[str, str]
    student: dict[str, Any]

    def specialist(self, name: str, **changes: Any) -> str:
        """Make a specialist that differs from the usual one in these keys of its spec, and has the small student."""
        make_specialist(self.settings.prompts / name, self.settings.gold, {"student": self.student, **changes})
        return name

    def run(self, *arguments: str, code: str = "", timeout: float = 1200) -> subprocess.CompletedProcess[str]:
        """`python -m flows.build ARGUMENTS`, or `python -c CODE ARGUMENTS`."""
        with self.start(*arguments, code=code) as process:
            out, _ = process.communicate(timeout=timeout)
        return subprocess.CompletedProcess(process.args, process.returncode, out)

    def start(self, *arguments: str, code: str = "") -> subprocess.Popen[str]:
        """The same, without waiting for it; stderr is part of stdout."""
        how = ["-c", code] if code else ["-m", "flows.build"]
        return subprocess.Popen(
            [sys.executable, *how, *arguments],
            cwd=CHECKOUT,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def ask(self, path: str, **body: Any) -> Any:
        """POST to Prefect's API."""
        request = urllib.request.Request(
            f"{self.prefect.url}/api/{path}", json.dumps(body).encode(), {"content-type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=30) as response:
            return json.load(response)

    def page_of(self, run: dict[str, Any]) -> str:
        """The address of a flow run's page."""
        return f"{self.prefect.url}/runs/flow-run/{run['id']}"

    def runs(self, spec: str) -> list[dict[str, Any]]:
        """The flow runs of a specialist, oldest first."""
        found = self.ask("flow_runs/filter", flow_runs={"tags": {"all_": [spec]}}, sort="START_TIME_ASC")
        return list(found)

    def tasks(self, run: dict[str, Any]) -> dict[str, str]:
        """The task runs of a flow run: name to type of state, in order."""
        found = self.ask("task_runs/filter", flow_runs={"id": {"any_": [run["id"]]}}, sort="EXPECTED_START_TIME_ASC")
        return {task["name"]: task["state_type"] for task in found}

    def artifacts(self, run: dict[str, Any]) -> dict[str, Any]:
        """The artifacts of a flow run: key to data."""
        found = self.ask("artifacts/filter", flow_runs={"id": {"any_": [run["id"]]}})
        return {artifact["key"]: artifact["data"] for artifact in found}
