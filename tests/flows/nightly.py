"""A refresh as a schedule runs it, in a process that is forked from one which has imported everything.

`flows.refresh` runs the flow that prefect.yaml deploys; its build is a process of its own, as ever. Only what a process
imports is there before it starts: of a refresh that has nothing to do, that is nearly all the time.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import psutil

from tests.forked import PRELOADED

_MORE = ["prefect", "prefect.artifacts", "prefect.client.orchestration", "tests.flows.nightly"]
_WAIT = 0.1  # seconds


class Refresh:
    """One that has been started.

    Args:
        arguments: of `python -m flows.refresh`.
        variables: environment variables. Those of Prefect must be in this process's environment, too, before the first
            is started: it is imported then.
        log: what it says goes there.
    """

    def __init__(self, arguments: Sequence[str], variables: Mapping[str, str], log: Path) -> None:
        server = multiprocessing.get_context("forkserver")
        server.set_forkserver_preload([*PRELOADED, *_MORE])
        self.log = log
        log.write_text("")
        self._process = server.Process(target=_refresh, args=(list(arguments), dict(variables), str(log)))
        self._process.start()

    @property
    def runs(self) -> bool:
        """Whether it has not ended."""
        return self._process.is_alive()

    def wait(self, seconds: float) -> bool:
        """Wait until it has ended, or for so long; whether it has ended.

        Counted in waits and not by the clock, which goes on while a machine is suspended.
        """
        for _ in range(max(1, round(seconds / _WAIT))):
            self._process.join(_WAIT)
            if not self.runs:
                return True
        return False

    @property
    def status(self) -> int:
        """What it ended with; below 0: killed by this signal."""
        return int(self._process.exitcode or 0)

    def kill(self, *, all_of_it: bool) -> None:
        """SIGKILL for the process, or also for all that it has started, at once."""
        if self._process.pid is None or not self.runs:
            return
        with suppress(psutil.NoSuchProcess):
            own = psutil.Process(self._process.pid)
            victims = [own, *(own.children(recursive=True) if all_of_it else ())]
            for victim in victims:
                with suppress(psutil.NoSuchProcess):
                    victim.send_signal(signal.SIGKILL)
        self._process.join(30)


def _refresh(arguments: list[str], variables: Mapping[str, str], log: str) -> None:
    os.environ.update(variables)
    sys.stdout = sys.stderr = Path(log).open("a", buffering=1, encoding="utf-8")  # noqa: SIM115 - as long as it lives
    for stream in (1, 2):
        os.dup2(sys.stdout.fileno(), stream)
    from flows.refresh import main

    sys.exit(main(arguments))
