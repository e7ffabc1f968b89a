"""Detached servers, tried on a web server of the standard library."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from factory.errors import ServiceError
from factory.services.process import Detached, answers, bare_environment, free_port, port_in_use

SERVE = (
    "import http.server, sys;"
    "http.server.test(http.server.SimpleHTTPRequestHandler, port=int(sys.argv[1]), bind='127.0.0.1')"
)
# A server that ignores SIGTERM and has a child that does, too.
STUBBORN = (
    "import signal, subprocess, sys; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    "child = subprocess.Popen([sys.executable, '-c', 'import signal, time;"
    ' signal.signal(signal.SIGTERM, signal.SIG_IGN); print("child", flush=True); time.sleep(600)\']);'
    "print('child is', child.pid, flush=True);" + SERVE
)


def server(home: Path, code: str = SERVE, port: int | None = None) -> Detached:
    port = port or free_port()
    return Detached(
        name="trial",
        title="The trial",
        command=[sys.executable, "-u", "-c", code, str(port)],
        environment=bare_environment(),
        health=f"http://127.0.0.1:{port}/",
        home=home,
        port_setting="FACTORY_TRIAL_PORT",
    )


def pid(home: Path) -> int:
    return int((home / "run" / "trial.pid").read_text())


def gone(process: int) -> bool:
    try:
        return psutil.Process(process).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_start_find_stop(tmp_path: Path) -> None:
    trial = server(tmp_path)
    assert trial.state == "down"
    assert not trial.stop()
    try:
        assert trial.start(30)
        assert trial.state == "up"
        first = pid(tmp_path)
        assert not trial.start(30)
        assert pid(tmp_path) == first
        assert os.getsid(first) == first  # a session of its own
    finally:
        assert trial.stop()
    assert gone(first)
    assert trial.state == "down"
    assert not (tmp_path / "run" / "trial.pid").exists()


def test_two_starts_at_once_make_one_server(tmp_path: Path) -> None:
    trial = server(tmp_path)
    started: list[bool] = []
    threads = [threading.Thread(target=lambda: started.append(trial.start(30))) for _ in range(4)]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(started) == [False, False, False, True]
    finally:
        trial.stop()


def test_it_outlives_the_command_that_started_it(tmp_path: Path) -> None:
    trial = server(tmp_path)
    code = (
        "import sys; from pathlib import Path; from factory.services.process import Detached, bare_environment;"
        f"Detached(name='trial', title='T', command={list(trial.command)!r}, environment=bare_environment(),"
        f" health={trial.health!r}, home=Path({str(tmp_path)!r}), port_setting='P').start(30)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
    try:
        assert trial.state == "up"
        assert not trial.start(30)
    finally:
        assert trial.stop()


def test_a_killed_server_is_started_again(tmp_path: Path) -> None:
    trial = server(tmp_path)
    try:
        trial.start(30)
        os.kill(pid(tmp_path), signal.SIGKILL)
        deadline = time.monotonic() + 10
        while trial.state != "down" and time.monotonic() < deadline:
            time.sleep(0.05)
        assert trial.state == "down"
        assert trial.start(30)
    finally:
        trial.stop()


# Takes a while until it heeds SIGHUP, and then counts how often it was told.
SLOW = (
    "import http.server, signal, sys, time; time.sleep(1); told = [];"
    "signal.signal(signal.SIGHUP, lambda *_: (told.append(1), print('told', len(told), flush=True)));" + SERVE
)


def test_it_can_be_told_to_look_again_and_no_moment_is_too_early(tmp_path: Path) -> None:
    trial = server(tmp_path, SLOW)
    assert not trial.hang_up()
    starting = threading.Thread(target=trial.start, args=(30,))
    starting.start()
    try:
        while not (tmp_path / "run" / "trial.pid").exists() or not trial.hang_up():
            time.sleep(0.01)
        starting.join()
        assert trial.state == "up", "the signal that came too early did not end it"
        assert trial.hang_up()
        deadline = time.monotonic() + 10
        while "told 1" not in trial.log.read_text() and time.monotonic() < deadline:
            time.sleep(0.05)
        assert "told 1" in trial.log.read_text() and "told 2" not in trial.log.read_text()
    finally:
        trial.stop()


def test_a_stubborn_group_is_stopped_whole(tmp_path: Path) -> None:
    trial = server(tmp_path, STUBBORN)
    trial.start(30)
    leader = pid(tmp_path)
    deadline = time.monotonic() + 20
    while "child\n" not in (text := trial.log.read_text()) and time.monotonic() < deadline:
        time.sleep(0.05)  # until it ignores SIGTERM
    child = int(text.split("child is ")[1].split()[0])
    assert trial.stop(grace=0.5)
    psutil.wait_procs([psutil.Process(p) for p in (child,) if psutil.pid_exists(p)], timeout=5)
    assert gone(leader)
    assert gone(child)


def test_a_port_in_use(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert port_in_use(port)
        with pytest.raises(ServiceError, match=f"Port {port} is in use") as error:
            server(tmp_path, port=port).start(5)
    assert "FACTORY_TRIAL_PORT" in error.value.fix
    assert not port_in_use(port)


def test_a_server_that_dies_is_quoted(tmp_path: Path) -> None:
    with pytest.raises(ServiceError, match="died at start") as error:
        server(tmp_path, "raise SystemExit('no such database')").start(30)
    assert "no such database" in str(error.value)
    assert str(tmp_path) in error.value.where


def test_a_server_that_never_answers_is_stopped(tmp_path: Path) -> None:
    trial = server(tmp_path, "import time; print('thinking', flush=True); time.sleep(600)")
    with pytest.raises(ServiceError, match="does not answer"):
        trial.start(1.5)
    assert trial.state == "down"


def test_another_port_than_the_running_one(tmp_path: Path) -> None:
    trial = server(tmp_path)
    try:
        trial.start(30)
        with pytest.raises(ServiceError, match="already running"):
            server(tmp_path).start(5)
    finally:
        trial.stop()


def test_a_start_killed_at_once_leaves_a_server_that_is_known(tmp_path: Path) -> None:
    trial = server(tmp_path, "import time; time.sleep(2);" + SERVE)
    code = (
        "import os, signal, subprocess; from pathlib import Path; from factory.services import process;"
        "spawn = subprocess.Popen;"
        "subprocess.Popen = lambda *a, **k: (spawn(*a, **k), os.kill(os.getpid(), signal.SIGKILL));"
        f"process.Detached(name='trial', title='T', command={list(trial.command)!r}, environment={{}},"
        f" health={trial.health!r}, home=Path({str(tmp_path)!r}), port_setting='P').start(30)"
    )
    killed = subprocess.run([sys.executable, "-c", code], check=False, timeout=60)
    assert killed.returncode == -signal.SIGKILL
    try:
        deadline = time.monotonic() + 10
        while trial.state == "down" and time.monotonic() < deadline:
            time.sleep(0.02)
        assert not trial.start(30)  # found, though the command that started it never saw it
        assert trial.state == "up"
    finally:
        assert trial.stop()


@pytest.mark.parametrize("text", ["", "{", "x", "1", "0", "-1", "999999999"])
def test_a_strange_pid_file_kills_nobody(tmp_path: Path, text: str) -> None:
    trial = server(tmp_path)
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "trial.pid").write_text(text)
    os.utime(tmp_path / "run" / "trial.pid", (1000, 1000))
    assert trial.state == "down"
    assert not trial.stop()


def test_a_reused_pid_is_not_taken_for_the_server(tmp_path: Path) -> None:
    with subprocess.Popen(["sleep", "60"]) as bystander:
        (tmp_path / "run").mkdir()
        (tmp_path / "run" / "trial.pid").write_text(str(bystander.pid))
        os.utime(tmp_path / "run" / "trial.pid", (1000, 1000))
        assert not server(tmp_path).stop()
        assert bystander.poll() is None
        bystander.kill()


def test_a_clock_that_was_set_loses_no_server(tmp_path: Path) -> None:
    trial = server(tmp_path)
    try:
        trial.start(30)
        os.utime(tmp_path / "run" / "trial.pid", (1000, 1000))
        assert trial.state == "up"
    finally:
        assert trial.stop()


def test_secrets_of_this_process_are_not_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "secret")
    monkeypatch.setenv("ARGILLA_DATABASE_URL", "postgresql://elsewhere")
    environment = bare_environment(PYTHONPATH="here")
    assert environment["PYTHONPATH"] == "here"
    assert "PATH" in environment
    assert not {"HF_TOKEN", "ARGILLA_DATABASE_URL"} & set(environment)


def test_answers_is_false_for_an_error_and_for_silence() -> None:
    port = free_port()
    assert not answers(f"http://127.0.0.1:{port}/", timeout=0.5)
    with socket.create_server(("127.0.0.1", port)):
        assert not answers(f"http://127.0.0.1:{port}/", timeout=0.2)
