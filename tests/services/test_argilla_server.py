"""The embedded Argilla as a server: private, on loopback, findable, and sure to keep what people answered."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import psutil
import pytest

from factory import settings
from factory.errors import ServiceError
from factory.services.argilla.credentials import REVIEWER, WORKSPACE
from factory.services.argilla.server import ArgillaServer
from factory.services.process import free_port
from factory.settings import CHECKOUT

pytestmark = pytest.mark.real


def ask(url: str, body: Any = None, form: str = "", **headers: str) -> Any:
    data = form.encode() if form else json.dumps(body).encode() if body is not None else None
    kind = "application/x-www-form-urlencoded" if form else "application/json"
    request = urllib.request.Request(url, data=data, headers={"Content-Type": kind, **headers})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=30) as response:
        return json.load(response)


def sign_in(server: ArgillaServer) -> dict[str, str]:
    password = server.credentials.reviewer_password
    token = ask(f"{server.url}/api/v1/token", form=f"username={REVIEWER}&password={password}")
    return {"Authorization": f"Bearer {token['access_token']}"}


def dataset(server: ArgillaServer, name: str) -> Any:
    import argilla as rg

    client = rg.Argilla(api_url=server.url, api_key=server.credentials.api_key, trust_env=False)
    settings = rg.Settings(fields=[rg.TextField(name="text")], questions=[rg.LabelQuestion("label", ["yes", "no"])])
    made = rg.Dataset(name, workspace=WORKSPACE, settings=settings, client=client).create()
    made.records.log([rg.Record(id=f"r{i}", fields={"text": f"text number{i}"}) for i in range(50)])
    return made


def search_records(server: ArgillaServer, dataset_id: Any, text: str, headers: dict[str, str]) -> list[dict[str, Any]]:
    url = f"{server.url}/api/v1/me/datasets/{dataset_id}/records/search?limit=100&include=responses"
    return [item["record"] for item in ask(url, {"query": {"text": {"q": text}}}, **headers)["items"]]


def search(server: ArgillaServer, dataset_id: Any, text: str, headers: dict[str, str]) -> list[str]:
    return [record["external_id"] for record in search_records(server, dataset_id, text, headers)]


def pid(server: ArgillaServer) -> int:
    return int((server.home.parent / "run" / "argilla.pid").read_text())


def test_secrets_are_generated_and_private(argilla: ArgillaServer) -> None:
    path = argilla.home / "secrets.json"
    assert path.stat().st_mode & 0o777 == 0o600
    assert argilla.home.stat().st_mode & 0o777 == 0o700
    values = list(json.loads(path.read_text()).values())
    assert len(set(values)) == 4
    assert all(len(value) >= 32 for value in values)
    log = (argilla.home.parent / "logs" / "argilla.log").read_text()
    command = " ".join(psutil.Process(pid(argilla)).cmdline())
    assert not any(value in log + command for value in values)


def test_default_passwords_and_keys_are_refused(argilla: ArgillaServer) -> None:
    for username, password in (("argilla", "1234"), ("argilla", "12345678"), (REVIEWER, "wrong")):
        with pytest.raises(urllib.error.HTTPError) as refused:
            ask(f"{argilla.url}/api/v1/token", form=f"username={username}&password={password}")
        assert refused.value.code == 401
    with pytest.raises(urllib.error.HTTPError) as refused:
        ask(f"{argilla.url}/api/v1/me", **{"X-Argilla-Api-Key": "argilla.apikey"})
    assert refused.value.code == 401


def test_only_loopback_and_only_this_origin(argilla: ArgillaServer) -> None:
    listening = [c.laddr for c in psutil.Process(pid(argilla)).net_connections("inet") if c.status == "LISTEN"]
    assert [address.ip for address in listening] == ["127.0.0.1"]
    with pytest.raises(urllib.error.HTTPError) as refused:
        ask(f"{argilla.url}/api/v1/version", Host="evil.example")
    assert refused.value.code == 400
    request = urllib.request.Request(f"{argilla.url}/api/v1/version", headers={"Origin": "http://evil.example"})
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=10) as response:
        assert response.headers.get("Access-Control-Allow-Origin") is None
        assert "default-src 'self'" in response.headers["Content-Security-Policy"]
        assert "script-src-attr 'none'" in response.headers["Content-Security-Policy"]


def test_the_reviewer_answers_but_does_not_rule(argilla: ArgillaServer) -> None:
    made = dataset(argilla, "rights")
    me = sign_in(argilla)
    assert ask(f"{argilla.url}/api/v1/me", **me)["role"] == "annotator"
    assert search(argilla, made.id, "number7", me) == ["r7"]
    with pytest.raises(urllib.error.HTTPError) as refused:
        ask(f"{argilla.url}/api/v1/workspaces", {"name": "mine"}, **me)
    assert refused.value.code == 403


def test_an_answer_survives_a_kill_at_any_moment(argilla: ArgillaServer) -> None:
    made = dataset(argilla, "killed")
    me = sign_in(argilla)
    url = f"{argilla.url}/api/v1/me/datasets/{made.id}/records/search?limit=100"
    records = {r["record"]["external_id"]: r["record"]["id"] for r in ask(url, {}, **me)["items"]}
    assert len(records) == 50
    for n, row in enumerate(("r1", "r2", "r3")):
        body = {"values": {"label": {"value": "yes"}}, "status": "submitted"}
        ask(f"{argilla.url}/api/v1/records/{records[row]}/responses", body, **me)
        os.kill(pid(argilla), signal.SIGKILL)  # the moment the answer was acknowledged
        psutil.wait_procs([p for p in psutil.process_iter() if p.pid == pid(argilla)], timeout=10)
        assert argilla.state == "down"
        if n == 1:  # the index is gone too: it is made again
            for part in argilla.home.glob("search.db*"):
                part.unlink()
        assert argilla.start()
    answered = ask(
        url + "&include=responses",
        {
            "filters": {
                "and": [
                    {
                        "type": "terms",
                        "scope": {"entity": "response", "property": "status"},
                        "values": ["submitted"],
                    }
                ]
            }
        },
        **me,  # the same token: sessions outlive a restart
    )
    assert {item["record"]["external_id"] for item in answered["items"]} == {"r1", "r2", "r3"}
    assert search(argilla, made.id, "number7", me) == ["r7"]


def test_records_that_missed_the_index_are_put_in(argilla: ArgillaServer) -> None:
    made = dataset(argilla, "healed")
    argilla.stop()
    with sqlite3.connect(argilla.home / "search.db") as db:  # as a kill between the two commits leaves it
        rows = db.execute("SELECT n FROM docs WHERE dataset_id = ? LIMIT 5", [made.id.hex]).fetchall()
        assert len(rows) == 5
        db.executemany("DELETE FROM docs WHERE n = ?", rows)
        db.executemany(f"DELETE FROM t_{made.id.hex} WHERE rowid = ?", rows)  # noqa: S608
    argilla.start()
    assert len(search(argilla, made.id, "text", sign_in(argilla))) == 50


def test_a_backup_taken_while_it_runs_is_the_same_argilla_elsewhere(
    argilla: ArgillaServer, own_settings: settings.Settings, tmp_path: Path
) -> None:
    made = dataset(argilla, "kept")
    me = sign_in(argilla)
    [answered] = search_records(argilla, made.id, "number7", me)
    body = {"values": {"label": {"value": "yes"}}, "status": "submitted"}
    ask(f"{argilla.url}/api/v1/records/{answered['id']}/responses", body, **me)
    argilla.backup(tmp_path / "reviews.zip")
    there = ArgillaServer(dataclasses.replace(own_settings, home=tmp_path / "home", argilla_port=free_port()))
    there.restore(tmp_path / "reviews.zip")
    there.start()
    try:
        [found] = search_records(there, made.id, "number7", me)  # the same session, and the index is made anew
        assert [response["status"] for response in found["responses"]] == ["submitted"]
        key = {"X-Argilla-Api-Key": there.credentials.api_key}
        assert ask(f"{there.url}/api/v1/me", **key)["role"] == "owner"
        password = there.credentials.reviewer_password
        assert there.rotate()
        for former in (me, key):
            with pytest.raises(urllib.error.HTTPError) as refused:
                ask(f"{there.url}/api/v1/me", **former)
            assert refused.value.code == 401
        with pytest.raises(urllib.error.HTTPError) as refused:
            ask(f"{there.url}/api/v1/token", form=f"username={REVIEWER}&password={password}")
        assert refused.value.code == 401
        assert len(search_records(there, made.id, "number7", sign_in(there))) == 1
    finally:
        there.stop()


def test_it_is_found_running_and_stopped(argilla: ArgillaServer, own_settings: settings.Settings) -> None:
    argilla.start()
    before = pid(argilla)
    assert not ArgillaServer(own_settings).start()
    assert pid(argilla) == before
    environment = os.environ | {
        "FACTORY_HOME": str(own_settings.home),
        "FACTORY_ARGILLA_PORT": str(own_settings.argilla_port),
    }

    def command(action: str) -> subprocess.CompletedProcess[str]:
        arguments = [sys.executable, "-m", "factory.services", "argilla", action]
        return subprocess.run(arguments, cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=False)

    status = command("status")
    assert (status.returncode, "argilla is up" in status.stdout) == (0, True)
    assert argilla.credentials.reviewer_password not in status.stdout
    assert "stopped" in command("down").stdout
    assert not psutil.pid_exists(before) or psutil.Process(before).status() == psutil.STATUS_ZOMBIE  # this one's child
    assert command("status").returncode == 1
    assert "argilla is up: http://127.0.0.1" in command("up").stdout  # and it outlives the command
    assert argilla.state == "up"
    moved = dataclasses.replace(own_settings, argilla_port=free_port())
    with pytest.raises(ServiceError, match="already running"):
        ArgillaServer(moved).start()


def test_a_port_in_use_is_said(own_settings: settings.Settings, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        server = ArgillaServer(dataclasses.replace(own_settings, home=tmp_path, argilla_port=port))
        with pytest.raises(ServiceError, match=f"Port {port} is in use") as error:
            server.start()
    assert "FACTORY_ARGILLA_PORT" in error.value.fix


def test_a_missing_environment_is_said(own_settings: settings.Settings, tmp_path: Path) -> None:
    server = ArgillaServer(dataclasses.replace(own_settings, home=tmp_path, environments=tmp_path))
    with pytest.raises(ServiceError, match="argilla environment is missing") as error:
        server.start()
    assert "make" in error.value.fix
