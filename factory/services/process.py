"""A server that outlives the command that started it: pid file, log, health check, and its whole process group.

What is known of a running server lies in `<home>/run/`: `<name>.json`, written before it is started, says what it is;
`<name>.pid` is written by the new process itself, so that a kill of the command that starts it leaves no server that
nobody knows of. A pid that the system has since given to somebody else is neither taken for the server nor killed.
"""

from __future__ import annotations

import contextlib
import fcntl
import http.client
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import psutil

from factory.errors import DataError, ServiceError
from factory.files import explained, read_json, write_json

LOOPBACK = "127.0.0.1"
State = Literal["up", "starting", "down"]

# The shell becomes the server: exec keeps its pid, and that SIGHUP is not heeded until the server itself does.
_WRITE_PID_AND_BECOME = 'trap "" HUP; echo $$ > "$0" && exec "$@"'

# Kept so that a server that dies under the command that started it is reaped, and not left a zombie.
_started: list[subprocess.Popen[bytes]] = []


def free_port() -> int:
    """A loopback TCP port nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def port_in_use(port: int) -> bool:
    """Whether anything listens on a loopback TCP port."""
    with socket.socket() as probe:
        probe.settimeout(2.0)
        return probe.connect_ex((LOOPBACK, port)) == 0


def _stays_in_use(port: int, patience: float = 2.0) -> bool:
    """Whether a port is in use for longer than a killed process takes to let go of it."""
    deadline = time.monotonic() + patience
    while port_in_use(port):
        if time.monotonic() > deadline:
            return True
        time.sleep(0.05)
    return False


def answers(url: str, timeout: float = 2.0) -> bool:
    """Whether a GET of an http URL is answered with a 2xx status within `timeout` seconds (never through a proxy)."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or LOOPBACK, parts.port or 80, timeout=timeout)
    try:
        connection.request("GET", parts.path or "/")
        return 200 <= connection.getresponse().status < 300
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def bare_environment(**variables: str) -> dict[str, str]:
    """An environment for a child that needs none of this process's keys and tokens."""
    kept = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "SSL_CERT_FILE", "LD_LIBRARY_PATH")
    return {name: os.environ[name] for name in kept if name in os.environ} | variables


def _lives(process: psutil.Process) -> bool:
    """Whether a process runs; one that has ended, but whose parent has not looked yet, does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _await_end(process: psutil.Process, timeout: float) -> None:
    deadline = time.monotonic() + timeout
    while _lives(process) and time.monotonic() < deadline:
        time.sleep(0.05)
    for child in _started:
        child.poll()


@dataclass(frozen=True)
class Detached:
    """A server in a session of its own, so that neither Ctrl-C nor the end of a run stops it.

    Attributes:
        name: names the files under `run/` and the log, e.g. `argilla`.
        title: what a person calls it, e.g. `Argilla`.
        command: program and arguments.
        environment: the child's whole environment.
        health: an http URL on loopback that answers 2xx as soon as the server can serve.
        home: FACTORY_HOME; the log is `logs/<name>.log` under it.
        port_setting: the environment variable that moves the server to another port, for the message.
    """

    name: str
    title: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(repr=False)
    health: str
    home: Path
    port_setting: str

    @property
    def log(self) -> Path:
        """Where the server's own words go."""
        return self.home / "logs" / f"{self.name}.log"

    @property
    def state(self) -> State:
        """`up` (ours, and it answers), `starting` (ours, and it does not answer) or `down`."""
        if self._process() is None:
            return "down"
        return "up" if answers(self._recorded_health()) else "starting"

    def start(self, timeout: float = 120.0) -> bool:
        """Start the server, or find it running; return once it answers, or after `timeout` seconds raise.

        Returns:
            True if it was started, False if it was there.

        Raises:
            ServiceError: it died, it did not answer in time, its port is taken by another program, or it runs on
                another port than the settings ask for.
        """
        with self._lock():
            running = self._process()
            if running is not None:
                if self._recorded_health() != self.health:
                    raise ServiceError(
                        f"{self.title} is already running, at another address than the settings say.",
                        where=f"{self._recorded_health()} (pid {running.pid})",
                        fix=f"Stop it first (`python -m factory.services {self.name} down`), or leave "
                        f"{self.port_setting} as it was.",
                    )
                if self._recorded_arguments() != list(self.command[1:]):
                    raise ServiceError(
                        f"{self.title} is already running, with other settings than there are now.",
                        where=f"{self._recorded_health()} (pid {running.pid})",
                        fix=f"Stop it first (`python -m factory.services {self.name} down`).",
                    )
                self._wait(running, timeout)
                return False
            port = urlsplit(self.health).port or 80
            if _stays_in_use(port):
                raise ServiceError(
                    f"Port {port} is in use by another program, so {self.title} can't be started.",
                    where=f"{LOOPBACK}:{port}",
                    fix=f"Stop that program, or set {self.port_setting} to a free port.",
                )
            process = self._spawn()
            try:
                self._wait(process, timeout)
            except BaseException:
                self._stop(process, grace=5.0)
                raise
            return True

    def stop(self, grace: float = 20.0) -> bool:
        """Stop the server and its whole process group, with SIGKILL after `grace` s; False if it was not running."""
        with self._lock():
            process = self._process()
            if process is None:
                return False
            self._stop(process, grace)
            return True

    def hang_up(self) -> bool:
        """Send the server SIGHUP, which means: look again. False if it was not running.

        One that is still starting, and does not heed it yet, looks when it has started.
        """
        process = self._process()
        if process is None:
            return False
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(signal.SIGHUP)
        return True

    @contextlib.contextmanager
    def held_down(self, doing: str) -> Iterator[None]:
        """Keep the server from being started while something is done to its data.

        Args:
            doing: what is to be done, for the message: `restored`.

        Raises:
            ServiceError: it runs.
        """
        with self._lock():
            running = self._process()
            if running is not None:
                raise ServiceError(
                    f"{self.title} is running, so its data can't be {doing}.",
                    where=f"{self._recorded_health()} (pid {running.pid})",
                    fix=f"Stop it first (`python -m factory.services {self.name} down`).",
                )
            yield

    @property
    def _pid_file(self) -> Path:
        return self.home / "run" / f"{self.name}.pid"

    @contextlib.contextmanager
    def _lock(self) -> Iterator[None]:
        """Two commands that start or stop the same server take turns."""
        path = self.home / "run" / f"{self.name}.lock"
        with explained(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("a") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                yield

    def _record(self) -> dict[str, object]:
        try:
            value = read_json(self._pid_file.with_suffix(".json"))
        except DataError:  # none, or one cut short: both mean that nothing is known to run
            return {}
        return value if isinstance(value, dict) else {}

    def _recorded_health(self) -> str:
        return str(self._record().get("health", self.health))

    def _recorded_arguments(self) -> list[str]:
        """Of its command, without the program, which is what the environments' place makes of it."""
        command = self._record().get("command")
        return command[1:] if isinstance(command, list) else list(self.command[1:])

    def _process(self) -> psutil.Process | None:
        """The server's process, if it lives and is the very one that was started."""
        try:
            process = psutil.Process(int(self._pid_file.read_text()))
            # It wrote the file as soon as it was born; where the clock has been set since, its command line tells.
            born_with_file = abs(process.create_time() - self._pid_file.stat().st_mtime) < 10.0
            same = born_with_file or process.cmdline() == self._record().get("command")
            return process if same and _lives(process) else None
        except (FileNotFoundError, NotADirectoryError, ValueError, psutil.NoSuchProcess, psutil.AccessDenied):
            return None

    def _spawn(self) -> psutil.Process:
        with explained(self.log):
            self._pid_file.unlink(missing_ok=True)
            write_json(self._pid_file.with_suffix(".json"), {"health": self.health, "command": list(self.command)})
            self.log.parent.mkdir(parents=True, exist_ok=True)
            with self.log.open("ab") as log:
                child = subprocess.Popen(
                    ["/bin/sh", "-c", _WRITE_PID_AND_BECOME, str(self._pid_file), *self.command],
                    env=dict(self.environment),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
        _started.append(child)
        return psutil.Process(child.pid)

    def _wait(self, process: psutil.Process, timeout: float) -> None:
        deadline = time.monotonic() + timeout
        while not answers(self._recorded_health()):
            if not _lives(process):
                raise ServiceError(f"{self.title} died at start.\n{self._last_words()}", where=str(self.log))
            if time.monotonic() > deadline:
                raise ServiceError(
                    f"{self.title} (pid {process.pid}) does not answer after {timeout:.0f} s.\n{self._last_words()}",
                    where=str(self.log),
                    fix=f"Read the log; `python -m factory.services {self.name} down` stops it.",
                )
            time.sleep(0.1)

    def _stop(self, process: psutil.Process, grace: float) -> None:
        group = process.pid  # start_new_session made the child the leader of its group
        with contextlib.suppress(ProcessLookupError):
            os.killpg(group, signal.SIGTERM)
        _await_end(process, grace)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(group, signal.SIGKILL)  # the leader that would not go, or children it left behind
        _await_end(process, 5.0)
        self._pid_file.unlink(missing_ok=True)

    def _last_words(self, lines: int = 15) -> str:
        if not self.log.exists():
            return ""
        with self.log.open("rb") as file:
            file.seek(max(0, self.log.stat().st_size - 8192))
            text = file.read().decode(errors="replace")
        return "\n".join(f"  | {line}" for line in text.splitlines()[-lines:])
