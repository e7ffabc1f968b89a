"""`python -m flows.schedules [--file FILE]`: deploy what is in prefect.yaml, and run it when it is due, until stopped.

It is a Prefect worker of type `process` that takes one run at a time, because a machine has room for one teacher and
one training. What a run does has the environment of whoever starts this, keys included. Killed, it leaves the build it
had begun to end by itself; started again, it deploys again, which changes nothing that was not edited.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from factory import settings as environment
from factory.errors import FactoryError
from factory.services.process import LOOPBACK
from factory.settings import CHECKOUT
from flows import engine
from flows.terminal import say

POOL = "factory"


def main(arguments: Sequence[str] | None = None) -> int:
    """Deploy, and work; returns the exit status where that can't be begun."""
    parser = argparse.ArgumentParser(
        prog="python -m flows.schedules", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--file", type=Path, default=CHECKOUT / "prefect.yaml", help="default: prefect.yaml")
    parser.add_argument("--deploy-only", action="store_true", help="a worker is running, or will run elsewhere")
    asked = parser.parse_args(arguments)
    try:
        settings = environment.load()
        server = engine.connect(settings)
        deploy(asked.file.resolve())
    except FactoryError as error:
        print(error, file=sys.stderr)
        return 1
    say(f"Deployed; what is due, and when, is at {server.url}/deployments")
    if not asked.deploy_only:
        os.chdir(CHECKOUT)
        os.environ |= {"PYTHONPATH": str(CHECKOUT), "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "INFO"}
        os.environ["PREFECT_WORKER_WEBSERVER_HOST"] = LOOPBACK  # Prefect's own default is every address
        os.environ["PREFECT_WORKER_WEBSERVER_PORT"] = str(settings.worker_port)
        # Not a limit of the pool's: the server would count a run whose worker was killed for ever.
        command = [sys.executable, "-m", "prefect", "worker", "start", "--pool", POOL, "--type", "process"]
        os.execv(command[0], [*command, "--install-policy", "never", "--limit", "1", "--with-healthcheck"])  # noqa: S606  (its signals are this process's)
    return 0


def deploy(file: Path) -> None:
    """Deploy what a file declares to the Prefect server of this process, and make its work pool if there is none.

    Raises:
        FactoryError: Prefect refuses; it says why.
    """
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.actions import WorkPoolCreate
    from prefect.exceptions import ObjectAlreadyExists

    with get_client(sync_client=True) as client, suppress(ObjectAlreadyExists):
        client.create_work_pool(WorkPoolCreate(name=POOL, type="process"))
    command = [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all", "--prefect-file", str(file)]
    ended = subprocess.run(
        command,
        cwd=CHECKOUT,
        env=os.environ | {"PWD": str(CHECKOUT)},  # where the file says that runs are to begin
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if ended.returncode:
        said = "\n".join([line for line in ended.stdout.splitlines() if line.strip()][-4:])
        raise FactoryError(f"Prefect could not deploy:\n{said}", where=str(file), fix="Correct the file.")


if __name__ == "__main__":
    sys.exit(main())
