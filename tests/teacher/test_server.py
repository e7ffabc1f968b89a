"""The supervisor. Most tests let it start the loopback teacher in vLLM's place; the last one starts vLLM."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from factory import settings as factory_settings
from factory.errors import ServiceError, TeacherError
from factory.settings import CHECKOUT, Settings
from factory.teacher import probe
from factory.teacher.server import TeacherServer, connect
from tests.loopback_teacher import LoopbackTeacher


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def until(true: Callable[[], bool], seconds: float = 30.0) -> bool:
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    python = tmp_path / "envs" / "teacher" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\ncd {CHECKOUT}\nexec {sys.executable} -m tests.loopback_teacher "$@"\n')
    python.chmod(python.stat().st_mode | stat.S_IXUSR)
    return dataclasses.replace(
        factory_settings.load(),
        home=tmp_path / "home",
        environments=tmp_path / "envs",
        teacher_port=free_port(),
        teacher_url="",
        teacher_key="",
    )


@pytest.fixture
def model(tmp_path: Path) -> str:
    folder = tmp_path / "tiny"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    return str(folder)


def listener(port: int) -> psutil.Process:
    for connection in psutil.net_connections("tcp"):
        if connection.laddr and connection.laddr.port == port and connection.status == psutil.CONN_LISTEN:
            return psutil.Process(connection.pid)
    raise AssertionError("nobody listens")


def temporary(server: psutil.Process) -> Path:
    return Path(server.environ()["TMPDIR"])


def test_it_starts_serves_and_ends(settings: Settings, model: str) -> None:
    seen: list[tuple[int, int]] = []
    with connect(model, settings, lambda *at: seen.append(at)) as endpoint:
        assert endpoint.identity == endpoint.model
        assert endpoint.identity.startswith("tiny@sha256:")
        assert probe.models(endpoint.url, endpoint.key, 5.0) == [endpoint.model]
        folder = temporary(listener(settings.teacher_port))
        assert folder.is_dir()
    assert not folder.exists()
    assert until(lambda: not probe.listens(settings.teacher_port), 5)
    assert seen[-1][0] == seen[-1][1]
    key = settings.home / "teacher.key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert len(key.read_text()) >= 32


def test_a_killed_server_is_restarted(settings: Settings, model: str, capsys: pytest.CaptureFixture[str]) -> None:
    with connect(model, settings):
        first = listener(settings.teacher_port)
        first.kill()
        assert until(lambda: not first.is_running() and probe.listens(settings.teacher_port))
        assert listener(settings.teacher_port).pid != first.pid
    assert "Restarting it" in capsys.readouterr().err


def test_a_running_server_is_used_and_replaced_when_it_goes(settings: Settings, model: str) -> None:
    owner = TeacherServer(model, settings)
    owner.start()
    first = listener(settings.teacher_port)
    with connect(model, settings):
        assert listener(settings.teacher_port).pid == first.pid
        owner.stop()
        assert until(lambda: not first.is_running() and probe.listens(settings.teacher_port))


def test_two_who_need_the_same_teacher_start_one(settings: Settings, model: str) -> None:
    with ThreadPoolExecutor(2) as pool:
        servers = [TeacherServer(model, settings) for _ in range(2)]
        endpoints = list(pool.map(lambda server: server.start(), servers))
    assert endpoints[0] == endpoints[1]
    assert [server._process is None for server in servers].count(True) == 1
    for server in servers:
        server.stop()
    assert until(lambda: not probe.listens(settings.teacher_port), 5)


OWNER = """
import dataclasses, sys
from pathlib import Path
from factory import settings
from factory.teacher.server import TeacherServer
home, environments, port, model = sys.argv[1:]
TeacherServer(model, dataclasses.replace(settings.load(), home=Path(home), environments=Path(environments),
    teacher_port=int(port), teacher_url="")).start()
print("up", flush=True)
sys.stdin.read()
"""


def test_no_server_outlives_a_killed_caller(settings: Settings, model: str) -> None:
    command = [sys.executable, "-c", OWNER, settings.home, settings.environments, str(settings.teacher_port), model]
    caller = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=CHECKOUT)
    assert caller.stdout is not None
    assert caller.stdout.readline() == b"up\n"
    server = listener(settings.teacher_port)
    folder = temporary(server)
    os.kill(caller.pid, signal.SIGKILL)
    caller.wait()
    assert until(lambda: not folder.exists(), 10)
    assert until(lambda: not server.is_running() and not probe.listens(settings.teacher_port), 10)


def test_a_port_in_use_is_named(settings: Settings, model: str) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", settings.teacher_port))
        other.listen()
        with pytest.raises(ServiceError, match=f"Port {settings.teacher_port} is used") as caught:
            TeacherServer(model, settings).start()
    assert "FACTORY_TEACHER_PORT" in caught.value.fix


def test_a_missing_environment_is_named(settings: Settings, model: str, tmp_path: Path) -> None:
    bare = dataclasses.replace(settings, environments=tmp_path / "none")
    with pytest.raises(ServiceError, match="environment isn't there") as caught:
        TeacherServer(model, bare).start()
    assert "make" in caught.value.fix


def test_a_missing_model_is_named(settings: Settings) -> None:
    with pytest.raises(TeacherError, match="no model 'nonesuch'"):
        TeacherServer("nonesuch", settings).start()


def test_a_server_that_dies_at_start_says_why(settings: Settings, model: str) -> None:
    python = settings.environments / "teacher" / "bin" / "python"
    python.write_text("#!/bin/sh\necho 'INFO fine so far'\necho 'ValueError: too little memory for kv cache'\nexit 1\n")
    with pytest.raises(ServiceError, match="ValueError: too little memory") as caught:
        TeacherServer(model, settings).start()
    assert caught.value.where.endswith("teacher.log")


async def test_an_external_teacher_is_looked_at_first(settings: Settings) -> None:
    def look(model: str, url: str) -> str:
        with connect(model, dataclasses.replace(settings, teacher_url=url)) as endpoint:
            return endpoint.identity

    async with LoopbackTeacher() as teacher:
        assert await asyncio.to_thread(look, "loopback", teacher.url) == "loopback@127.0.0.1"
        with pytest.raises(TeacherError, match="doesn't serve 'gpt'") as caught:
            await asyncio.to_thread(look, "gpt", teacher.url)
        assert "loopback" in caught.value.fix
        with pytest.raises(TeacherError, match="no OpenAI-compatible server"):
            await asyncio.to_thread(look, "loopback", teacher.url.replace("/v1", "/page"))
    with pytest.raises(TeacherError, match="can't be reached"):
        await asyncio.to_thread(look, "loopback", teacher.url)
    with pytest.raises(TeacherError, match="isn't an address"):
        await asyncio.to_thread(look, "loopback", "localhost:80")
