"""Whatever answers at the teacher's address, each question ends as a reply or as a TeacherError, and nothing else."""

from __future__ import annotations

import asyncio
import json
import tempfile
import unicodedata
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from factory.errors import TeacherError
from factory.files import read_jsonl, write_jsonl
from factory.generate.replies import parse_rows, parse_scores
from factory.teacher import attempt
from factory.teacher.cache import ReplyCache
from factory.teacher.client import Endpoint, Reply, Request, TeacherClient

REQUEST = Request([{"role": "user", "content": "anything"}], top_logprobs=3)


@asynccontextmanager
async def listening(answer: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Any]) -> AsyncIterator[str]:
    """A server of bytes."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
            await reader.readexactly(int(length.split(b":")[1]))
            await answer(reader, writer)
            writer.close()
        except (OSError, asyncio.IncompleteReadError):
            pass  # the client has had enough

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"


async def asked(url: str, folder: Path) -> Reply | TeacherError:
    """What comes of one question; a reply is kept as it came."""
    cache = ReplyCache(folder / "replies.db")
    endpoint = Endpoint(url, "m", "m@1")
    async with TeacherClient(endpoint, cache, attempts=2, pause=0.001, timeout=10.0) as client:
        (found,) = await client.ask_all([REQUEST])
    if isinstance(found, Reply):
        assert cache.get(found.key) == json.loads(json.dumps(found.stored()))
    assert cache.count() == isinstance(found, Reply)
    cache.close()
    return found


def comes_of(data: bytes) -> Reply | TeacherError:
    """What comes of these bytes; it can be written to a file, whichever it is."""

    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(data)
        await writer.drain()

    async def go(folder: Path) -> Reply | TeacherError:
        async with listening(answer) as url:
            return await asyncio.wait_for(asked(url, folder), 30.0)

    with tempfile.TemporaryDirectory() as name:
        found = asyncio.run(go(Path(name)))
        if isinstance(found, Reply):
            _, reason = parse_rows(found.text)
            _, failure = parse_scores(found.text, found.top_logprobs, ["A", "B"])
        else:
            reason, failure = str(found), found.what
        write_jsonl(Path(name) / "failed.jsonl", [{"reason": reason, "failure": failure}])
        assert read_jsonl(Path(name) / "failed.jsonl") == [{"reason": reason, "failure": failure}]
        assert {char for char in reason + failure if unicodedata.category(char) in ("Cc", "Cs")} <= {"\n"}
    return found


def response(body: bytes, status: str = "200 OK", kind: bytes = b"application/json") -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\nContent-Type: ".encode()
    return head + kind + b"\r\n\r\n" + body


odd = st.text(st.characters(), max_size=12)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | odd,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["content", "top_logprobs", "token", "logprob", "message", "error"]), inner)
    ),
    max_leaves=8,
)
completions = st.fixed_dictionaries(
    {
        "choices": st.lists(
            st.fixed_dictionaries({"message": st.fixed_dictionaries({"content": odd | values})}), max_size=2
        )
    },
    optional={"usage": values | st.dictionaries(st.sampled_from(["prompt_tokens", "completion_tokens"]), values)},
)
logprobs = st.fixed_dictionaries(
    {"choices": st.tuples(st.fixed_dictionaries({"message": st.just({"content": "A"}), "logprobs": values}))}
)
bodies = st.one_of(
    st.binary(max_size=80),
    st.builds(lambda value: json.dumps(value).encode(), completions | logprobs | values),
    st.builds(lambda value, cut: json.dumps(value).encode()[:cut], completions, st.integers(0, 60)),
    st.just(b"<html><body>502 Bad Gateway</body></html>"),
)
some = settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])


@some
@given(bodies, st.sampled_from(["200 OK", "204 No Content", "302 Found", "400 Bad Request", "500 No", "999 Odd"]))
@example(b"[" * 200_000, "200 OK")
@example(b'{"error": ' + b"[" * 200_000, "400 Bad Request")
@example(b'{"error": {"message": "\\u001b[2J \\ud800"}}', "400 Bad Request")
@example(b'{"choices": [{"message": {"content": "\\ud800 \\u0000"}}]}', "200 OK")
@example(b'{"choices": [{"message": {"content": "a"}}], "usage": {"prompt_tokens": 1e999}}', "200 OK")
@example(b'{"choices": [{"message": {"content": "a"}}], "usage": {"prompt_tokens": ' + b"9" * 40 + b"}}", "200 OK")
@example(b'{"choices": [{"message": {"content": "a"}}], "usage": [NaN]}', "200 OK")
@example(b'{"choices": [{"message": {"content": "a\xff\xfe"}}]}', "200 OK")
def test_every_body_ends_as_a_reply_or_as_an_error(body: bytes, status: str) -> None:
    comes_of(response(body, status))


@some
@given(st.binary(max_size=60))
@example(b"")
@example(b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n{")
@example(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")
@example(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnope")
@example(b"HTTP/1.1 200 OK\r\nContent-Type: \xff\xfe\x1b\r\nContent-Length: 2\r\n\r\n{}")
@example(b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=nonsense\r\nContent-Length: 2\r\n\r\n{}")
@example(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000 + b"\r\n\r\n")
@example(b"HTTP/1.1 302 Found\r\nLocation: http://[broken\r\nContent-Length: 0\r\n\r\n")
@example(b"HTTP/1.1 302 Found\r\nLocation: ftp://elsewhere/\r\nContent-Length: 0\r\n\r\n")
@example(b"HTTP/1.1 503 No\r\nRetry-After: nan\r\nContent-Length: 0\r\n\r\n")
@example(b"HTTP/1.1 200 OK\r\nSet-Cookie: \x00=\x01\r\nContent-Length: 2\r\n\r\n{}")
def test_what_is_not_even_http_ends_as_an_error(data: bytes) -> None:
    assert isinstance(comes_of(data), TeacherError)


def test_a_reply_of_ten_megabytes_is_taken() -> None:
    text = json.dumps({"rows": [{"text": "x" * (10 << 20)}]})
    found = comes_of(response(json.dumps({"choices": [{"message": {"content": text}}]}).encode()))
    assert isinstance(found, Reply)
    assert found.text == text


@pytest.mark.parametrize("head", [b"Content-Length: 99999999999\r\n", b"Connection: close\r\n"])
async def test_an_answer_without_end_is_cut_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, head: bytes) -> None:
    monkeypatch.setattr(attempt, "LONGEST", 1 << 20)
    sent = 0

    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n" + head + b"\r\n")
        while sent < 1 << 28:
            writer.write(b"x" * (1 << 16))
            await writer.drain()
            sent += 1 << 16

    async with listening(answer) as url:
        found = await asked(url, tmp_path)
    assert isinstance(found, TeacherError)
    assert "longer than 1 MiB" in found.what
    assert sent < 1 << 26


async def test_an_answer_of_little_that_unpacks_to_much_is_cut_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempt, "LONGEST", 1 << 20)

    async def chat(request: web.Request) -> web.Response:
        answer = web.Response(body=b" " * (1 << 26), content_type="application/json")
        answer.enable_compression(web.ContentCoding.gzip)
        return answer

    app = web.Application()
    app.router.add_post("/v1/chat/completions", chat)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    found = await asked(f"http://127.0.0.1:{runner.addresses[0][1]}/v1", tmp_path)
    await runner.cleanup()
    assert isinstance(found, TeacherError)
    assert "longer than 1 MiB" in found.what
