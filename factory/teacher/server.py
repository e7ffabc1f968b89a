"""A teacher on this machine: vLLM in its own environment, started, watched and restarted."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType

from factory.errors import ServiceError
from factory.files import explained
from factory.progress import Progress, silent
from factory.settings import Settings
from factory.teacher import guard, launch, probe, weights
from factory.teacher.chat import Endpoint

RESTARTS, WITHIN = 5, 1800.0
"""This many restarts within so many seconds mean that it can't be kept alive."""

_USUAL_START = 60
_SLOW_STRIKES = 40
_STRANGE = 8.0
_PREFIX = re.compile(r"^(\(\w+ pid=\d+\) )?((ERROR|INFO|WARNING) \d\d-\d\d [\d:]+ \[\S+\] )?")


class TeacherServer:
    """vLLM on a loopback port, kept alive while the context lasts; use as `with`.

    A server of the same model that is already there is used, and replaced by an own one should it go away. The
    process group dies with this process, however that ends.

    Args:
        model: packaged weights, a folder or a Hub id.
        settings: environments, home (logs, key, caches) and port.
        progress: told (seconds, seconds usually needed) while the server starts.
        timeout: seconds a start may take.
    """

    def __init__(self, model: str, settings: Settings, *, progress: Progress = silent, timeout: float = 1200.0) -> None:
        self.model, self._settings, self._progress, self._timeout = model, settings, progress, timeout
        self.log = settings.home / "logs" / "teacher.log"
        self._python = settings.environments / "teacher" / "bin" / "python"
        self._root = f"http://127.0.0.1:{settings.teacher_port}"
        self._process: subprocess.Popen[bytes] | None = None
        self._log_start = 0
        self._stopping = threading.Event()
        self._restarts: list[float] = []
        self._watcher: threading.Thread | None = None
        self._target = Path()
        self.endpoint: Endpoint | None = None

    def __enter__(self) -> Endpoint:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> Endpoint:
        """Have a healthy server and keep it so.

        Raises:
            ServiceError: the environment is missing, the port is taken by something else, or vLLM dies at start.
            TeacherError: there is no such model.
        """
        if not self._python.exists():
            raise ServiceError(
                "The teacher's environment isn't there.",
                where=str(self._python.parent.parent),
                fix="Run `make setup`, or point FACTORY_TEACHER_URL at a server that runs elsewhere.",
            )
        self._target = weights.resolve(self.model, self._settings)
        identity = weights.identity(self.model, self._settings)
        self.endpoint = Endpoint(
            f"{self._root}/v1", identity, identity, launch.secret(self._settings.home / "teacher.key")
        )
        try:
            self._arrive()
        except BaseException:
            self._end()
            raise
        self._watcher = threading.Thread(target=self._watch, name="teacher-watch", daemon=True)
        self._watcher.start()
        return self.endpoint

    def stop(self) -> None:
        """End the server if this object started it."""
        self._stopping.set()
        if self._watcher is not None:
            self._watcher.join(30.0)
        self._end()

    def _arrive(self) -> None:
        """Find a server of this model, or start one, and wait until it is healthy."""
        begun, strange_since = time.monotonic(), None
        while not self._ours():
            if self._stopping.is_set():
                return
            now = time.monotonic()
            if self._process is not None and self._process.poll() is not None:
                raise ServiceError(
                    f"vLLM ended while starting: {self._last_words()}",
                    where=str(self.log),
                    fix="See the log. Often memory is short: end other programs or choose smaller weights.",
                )
            if self._process is None and not self._launch() and probe.listens(self._settings.teacher_port):
                strange_since = strange_since or now
                if now - strange_since > _STRANGE:
                    raise ServiceError(
                        f"Port {self._settings.teacher_port} is used by something that isn't this teacher.",
                        where=self._root,
                        fix="End it, or choose another port with FACTORY_TEACHER_PORT.",
                    )
            if now - begun > self._timeout:
                raise ServiceError(f"vLLM wasn't ready after {now - begun:.0f} s.", where=str(self.log))
            self._progress(int(now - begun), max(_USUAL_START, int(now - begun) + 10))
            self._stopping.wait(1.0)
        elapsed = int(time.monotonic() - begun)
        self._progress(elapsed, elapsed)

    def _ours(self) -> bool:
        """Whether a healthy server of this very model and revision answers on the port."""
        if self.endpoint is None or probe.health(self._root) != "well":
            return False
        served = probe.models(self.endpoint.url, self.endpoint.key, timeout=5.0)
        return served is not None and self.endpoint.model in served

    def _watch(self) -> None:
        """Restart the server whenever it died, reports a dead engine, or says nothing for minutes."""
        slow = 0
        while not self._stopping.wait(2.0):
            ended = self._process is not None and self._process.poll() is not None
            state = "gone" if ended else probe.health(self._root)
            slow = slow + 1 if state == "slow" else 0
            if state == "well" or (state == "slow" and slow < _SLOW_STRIKES):
                continue
            self._restarts = [moment for moment in self._restarts if time.monotonic() - moment < WITHIN]
            if len(self._restarts) >= RESTARTS:
                _say(f"the teacher died {RESTARTS} times within {WITHIN / 60:.0f} min and is left so; see {self.log}")
                return
            self._restarts.append(time.monotonic())
            _say(f"the teacher is {state}: {self._last_words()} Restarting it.")
            self._end()
            slow = 0
            try:
                self._arrive()
            except ServiceError as error:  # a failed start counts as a death: the loop comes back here
                _say(f"the teacher didn't start: {error.what}")

    def _launch(self) -> bool:
        """Start vLLM unless the port is held or another process of this home is about it."""
        if self.endpoint is None or probe.held(self._settings.teacher_port):
            return False
        lock = launch.claim(self._settings.home / f"teacher-{self._settings.teacher_port}.lock")
        if lock is None:
            return False
        command = launch.command(self._python, self._target, self.endpoint.model, self._settings.teacher_port)
        try:
            launch.rotate(self.log)
            with explained(self.log), self.log.open("ab") as log:
                self._log_start = log.tell()
                self._process = subprocess.Popen(
                    [sys.executable, guard.__file__, str(os.getpid()), *command],
                    env=launch.environment(self._python, self._settings.home, self.endpoint.key),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                    pass_fds=(lock,),  # the guard holds it from here, so it ends with the server
                )
        finally:
            os.close(lock)
        return True

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(15.0)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def _last_words(self) -> str:
        """The likeliest explanation in the log since the last start, on one line."""
        with suppress(OSError, IndexError), self.log.open("rb") as file:
            file.seek(self._log_start)
            lines = [_PREFIX.sub("", line).strip() for line in file.read().decode(errors="replace").splitlines()]
            # The cause comes first; what is raised because of it ("initialization failed, see above") comes later.
            telling = [line for line in lines if re.match(r"[\w.]*(Error|Exception): |Killed|.*out of memory", line)]
            return (telling[0] if telling else [line for line in lines if line][-1:][0])[:300]
        return "(nothing in the log)"


@contextmanager
def connect(model: str, settings: Settings, progress: Progress = silent) -> Iterator[Endpoint]:
    """A teacher that answers: the one FACTORY_TEACHER_URL names, or vLLM here for as long as the context lasts.

    Raises:
        TeacherError: the address answers, but not as such a server, or doesn't serve the model.
        ServiceError: vLLM can't be started here.
    """
    if settings.teacher_url:
        yield probe.external(model, settings.teacher_url, settings.teacher_key)
        return
    with TeacherServer(model, settings, progress=progress) as endpoint:
        yield endpoint


def _say(line: str) -> None:
    print(f"  {line}", file=sys.stderr, flush=True)
