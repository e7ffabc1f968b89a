"""Who and what the service lets in: bodies, names it is asked by, keys, rates."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from served import NAME, PREDICT, ask, problem, serving

from zoo.serve import Limits
from zoo.serve.keys import KeyFile


async def test_a_large_body_is_refused_whether_it_says_so_or_not(hub: Path) -> None:
    async def chunks() -> Any:
        for _ in range(30):
            yield b" " * 100

    async with serving([NAME], hub=hub, limits=Limits(body=1000)) as client:
        assert "1000" in problem(await ask(client, NAME, "a" * 1000), 413)["detail"]
        answer = await client.post(PREDICT.format(NAME), content=chunks(), headers={"content-type": "application/json"})
        assert problem(answer, 413)
        assert (await ask(client, NAME, "word1")).status_code == 200


async def test_a_request_that_never_ends_is_ended(hub: Path) -> None:
    async def never() -> Any:
        yield b'{"text": '
        await asyncio.sleep(60)

    async with serving([NAME], hub=hub, limits=Limits(seconds=0.2)) as client:
        answer = await client.post(PREDICT.format(NAME), content=never(), headers={"content-type": "application/json"})
        assert "0.2 s" in problem(answer, 408)["detail"]


async def test_other_names_are_not_answered_without_keys(hub: Path, tmp_path: Path) -> None:
    async with serving([NAME], hub=hub) as client:
        assert problem(await client.get("/healthz", headers={"host": "evil.example:8765"}), 421)
        for host in ("localhost", "127.0.0.1:8765", "[::1]:8765", "LOCALHOST:1"):
            assert (await client.get("/healthz", headers={"host": host})).status_code == 200, host
        for origin in ("http://evil.example", "null", "http://evil.example:127.0.0.1", "http://[evil"):
            answer = await client.post("/v1/admin/reload", headers={"origin": origin})
            assert problem(answer, 403)["where"] == "Origin", origin
        answer = await client.post("/v1/admin/reload", headers={"origin": "http://localhost:8765"})
        assert answer.status_code == 200
    async with serving([NAME], hub=hub, hosts=["zoo.example"]) as client:
        assert (await client.get("/healthz", headers={"host": "zoo.example"})).status_code == 200
    async with serving([NAME], hub=hub, keys=tmp_path / "keys.json") as client:
        assert (await client.get("/healthz", headers={"host": "zoo.example"})).status_code == 200


async def test_a_key_may_do_what_its_scopes_say(hub: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = KeyFile(tmp_path / "keys.json")
    keys = {scope: {"authorization": f"Bearer {file.add(scope, [scope])}"} for scope in ("predict", "read", "admin")}
    asks: dict[str, Callable[[httpx.AsyncClient, dict[str, str]], Any]] = {
        "predict": lambda client, sent: client.post(PREDICT.format(NAME), json={"text": "word1"}, headers=sent),
        "read": lambda client, sent: client.get("/v1/specialists", headers=sent),
        "admin": lambda client, sent: client.post("/v1/admin/reload", headers=sent),
    }
    async with serving([NAME], hub=hub, keys=file.path) as client:
        for needed, send in asks.items():
            for scope, sent in keys.items():
                answer = await send(client, sent)
                if scope == needed:
                    assert answer.status_code == 200, answer.text
                else:
                    assert needed in problem(answer, 403)["detail"]
            for sent in ({}, {"authorization": "Bearer zoo_0_x"}, {"authorization": "Basic YTpi"}):
                answer = await send(client, sent)
                assert problem(answer, 401)["where"] == "Authorization"
                assert answer.headers["www-authenticate"] == "Bearer"
        for path in (f"/v1/specialists/{NAME}/card", f"/v1/specialists/{NAME}/card.html", "/metrics"):
            assert problem(await client.get(path), 401)
            assert (await client.get(path, headers=keys["read"])).status_code == 200
        for path in ("/healthz", "/readyz", "/", "/v1/openapi.json"):
            assert (await client.get(path)).status_code == 200
        file.revoke(keys["predict"]["authorization"].split("_")[1])
        assert problem(await asks["predict"](client, keys["predict"]), 401)
        file.path.chmod(0o644)
        refused = problem(await asks["read"](client, keys["read"]), 503)
        assert str(tmp_path) not in json.dumps(refused) and "chmod" in caplog.text


async def test_above_its_rate_a_key_is_told_when_to_come_again(hub: Path, tmp_path: Path) -> None:
    file = KeyFile(tmp_path / "keys.json")
    one, other = ({"authorization": f"Bearer {file.add(name, ['read'])}"} for name in ("one", "other"))
    async with serving([NAME], hub=hub, keys=file.path, limits=Limits(rate=0.1, burst=2)) as client:
        answers = [await client.get("/v1/specialists", headers=one) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 429]
        assert problem(answers[2], 429) and 1 <= int(answers[2].headers["retry-after"]) <= 10
        assert (await client.get("/v1/specialists", headers=other)).status_code == 200
