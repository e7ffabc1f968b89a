"""Which specialists the service has: as it starts, and as newer versions come."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from served import NAME, Held, ask, problem, serving, until

import zoo
from zoo.errors import BadInput, BadKeys, MissingExtra
from zoo.files import file_sha256
from zoo.serve import Limits, app, extra
from zoo.yanked import Yank


async def test_until_it_is_loaded_it_is_alive_and_not_ready(hub: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    go, really = threading.Event(), zoo.load

    def load(*args: Any, **how: Any) -> Any:
        assert go.wait(20)
        return really(*args, **how)

    monkeypatch.setattr("zoo.serve.shelf.load", load)
    made = app([NAME], hub=hub)
    async with made.router.lifespan_context(made):
        transport = httpx.ASGITransport(made)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            assert (await client.get("/healthz")).json() == {"status": "alive"}
            for answer in (await client.get("/readyz"), await ask(client, NAME, "word1")):
                assert problem(answer, 503) and answer.headers["retry-after"] == "1"
            go.set()
            await until(lambda: made.state.service.shelf.opened)
            assert (await client.get("/readyz")).json() == {"status": "ready"}


async def test_a_newer_version_takes_its_place_and_who_is_asked_already_answers(
    hub: Path, publish: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving([NAME, "support/intent@1.0.0"], hub=hub, limits=Limits(workers=1)) as client:
        publish(hub, NAME, "2.1.0")
        publish(hub, "support/intent", "1.1.0")
        held = Held(monkeypatch)
        asked = [asyncio.create_task(ask(client, NAME, "word1"))]
        await until(lambda: held.calls)
        asked.append(asyncio.create_task(ask(client, NAME, "word2")))
        service = client.app.state.service  # type: ignore[attr-defined]
        await until(lambda: service.shelf.get(NAME).batcher.waiting == 1)
        reloaded = asyncio.create_task(client.post("/v1/admin/reload"))
        await until(lambda: service.shelf.get(NAME).specialist.version == "2.1.0" or held.go.set())
        held.go.set()
        assert [(await task).json()["version"] for task in asked] == ["2.0.0", "2.0.0"]
        assert (await ask(client, NAME, "word1")).json()["version"] == "2.1.0"
        assert (await ask(client, "support/intent", "word1")).json()["version"] == "1.0.0", "it was named in full"
        assert (await reloaded).json()["specialists"] == [
            {"name": NAME, "before": "2.0.0", "after": "2.1.0", "problem": None},
            {"name": "support/intent", "before": "1.0.0", "after": "1.0.0", "problem": None},
        ]
        said = (await client.get("/metrics")).text
        assert 'version="2.1.0"} 1.0' in said and 'version="2.0.0"' not in said


async def test_a_version_that_can_not_be_loaded_leaves_the_old_one(hub: Path, publish: Callable[..., Path]) -> None:
    async with serving([NAME, "support/intent"], hub=hub) as client:
        (publish(hub, NAME, "2.1.0") / "tokenizer.json").write_text("{}")
        publish(hub, "support/intent", "1.1.0")
        broken, fine = (await client.post("/v1/admin/reload")).json()["specialists"]
        assert (broken["before"], broken["after"]) == ("2.0.0", "2.0.0")
        assert "tokenizer.json" in broken["problem"]["detail"] and broken["problem"]["fix"]
        assert (fine["after"], fine["problem"]) == ("1.1.0", None)
        assert (await ask(client, NAME, "word1")).json()["version"] == "2.0.0"
        shutil.rmtree(hub / NAME / "2.1.0")
        shutil.rmtree(hub / NAME / "2.0.0")  # withdrawn: the name means the one before
        assert (await client.post("/v1/admin/reload")).json()["specialists"][0]["after"] == "1.10.0"


async def test_one_that_can_not_be_read_stops_neither_the_others_reload_nor_their_start(
    hub: Path, publish: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def locked(path: Path) -> str:
        if "2.1.0" in path.parts:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return file_sha256(path)

    monkeypatch.setattr("zoo.manifest.file_sha256", locked)
    async with serving([NAME, "support/intent"], hub=hub) as client:
        publish(hub, NAME, "2.1.0")
        publish(hub, "support/intent", "1.1.0")
        broken, fine = (await client.post("/v1/admin/reload")).json()["specialists"]
    assert (broken["after"], fine["after"], fine["problem"]) == ("2.0.0", "1.1.0", None)
    assert "can't be read" in broken["problem"]["detail"] and broken["problem"]["fix"]
    looped = publish(hub, "support/looped", "1.0.0") / "config.json"
    looped.unlink()
    looped.symlink_to(looped)
    async with serving(None, hub=hub) as client:
        assert (await client.get("/readyz")).status_code == 200
        served = (await client.get("/v1/specialists")).json()["specialists"]
    assert [one["name"] for one in served] == ["support/intent"]


async def test_what_could_not_be_loaded_is_in_the_log_and_not_ready(
    hub: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (hub / NAME / "2.0.0" / "tokenizer.json").write_text("{}")
    async with serving([NAME], hub=hub) as client:
        assert "could not be loaded" in problem(await client.get("/readyz"), 503)["detail"]
        assert problem(await ask(client, NAME, "word1"), 503)
        assert (await client.get("/healthz")).status_code == 200
    assert "tokenizer.json is not the file" in caplog.text


async def test_a_name_and_a_folder_of_one_specialist_are_refused(hub: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with serving([NAME, hub / NAME / "1.0.0"], hub=hub) as client:
        assert problem(await client.get("/readyz"), 503)
    assert f"{NAME} is there already" in caplog.text


def test_what_can_not_be_served_is_said_before_it_starts(hub: Path, specialist: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="which specialists"):
        app([], hub=hub)
    with pytest.raises(BadInput, match=NAME):
        app([NAME, f"{NAME}@1"], hub=hub)
    (tmp_path / "keys.json").write_text("[]")
    with pytest.raises(BadKeys):
        app([NAME], hub=hub, keys=tmp_path / "keys.json")
    assert app([specialist]), "a folder needs no hub"


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch, hub: Path) -> None:
    monkeypatch.setattr(extra, "MODULES", ("fastapi", "no_such_module"))
    with pytest.raises(MissingExtra) as caught:
        app([NAME], hub=hub)
    assert "no_such_module" in caught.value.what and "specialist-zoo[serve]" in caught.value.fix


async def test_all_that_the_hub_gives_is_served_and_what_comes_later(
    tmp_path: Path, publish: Callable[..., Path], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "zoo.serve")
    (hub := tmp_path / "empty").mkdir()
    async with serving(None, hub=hub) as client:
        assert (await client.get("/readyz")).status_code == 200
        assert (await client.get("/v1/specialists")).json() == {"specialists": []}
        assert problem(await ask(client, NAME, "word1"), 404)["fix"] == "Served are: none yet."
        publish(hub, NAME, "1.0.0")
        (publish(hub, "support/intent", "1.0.0") / "tokenizer.json").write_text("{}")
        publish(hub, "medical/notes", "1.0.0")
        Yank("it was wrong").write(hub / "medical/notes/1.0.0.yanked.json")
        came, broken = (await client.post("/v1/admin/reload")).json()["specialists"]
        assert (came["name"], came["before"], came["after"]) == (NAME, "", "1.0.0")
        assert (broken["name"], broken["after"]) == ("support/intent", "") and broken["problem"]["fix"]
        assert (await ask(client, NAME, "word1")).json()["version"] == "1.0.0"
        publish(hub, NAME, "1.1.0")
        assert (await client.post("/v1/admin/reload")).json()["specialists"][0]["after"] == "1.1.0"
    assert "no specialist is served yet" in caplog.text and "support/intent is not served" in caplog.text
