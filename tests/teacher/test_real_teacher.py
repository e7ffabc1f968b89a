"""vLLM itself, with the smallest packaged weights: constraints, probabilities, and a death in mid-run."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import math
import socket
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from factory import settings as factory_settings
from factory.settings import Settings
from factory.teacher.cache import ReplyCache
from factory.teacher.client import Endpoint, Reply, Request, TeacherClient
from factory.teacher.server import TeacherServer

pytestmark = pytest.mark.real
SCHEMA = {
    "type": "object",
    "properties": {"topic": {"enum": ["card", "loan"]}, "text": {"type": "string", "maxLength": 40}},
    "required": ["topic", "text"],
    "additionalProperties": False,
}


@pytest.fixture(scope="module")
def settings() -> Settings:
    """The usual home, where converted weights are kept, and a port of its own."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = int(found.getsockname()[1])
    return dataclasses.replace(factory_settings.load(), teacher_port=port, teacher_url="", teacher_key="")


@pytest.fixture(scope="module")
def server(settings: Settings) -> Iterator[TeacherServer]:
    running = TeacherServer("smollm2-135m-instruct", settings)
    running.start()
    yield running
    running.stop()


@pytest.fixture
def endpoint(server: TeacherServer) -> Endpoint:
    assert server.endpoint is not None
    return server.endpoint


def question(text: str, **rest: object) -> Request:
    return Request([{"role": "user", "content": text}], **rest)  # type: ignore[arg-type]


async def test_replies_keep_to_a_schema(endpoint: Endpoint, tmp_path: Path) -> None:
    async with TeacherClient(endpoint, ReplyCache(tmp_path / "r.db")) as client:
        requests = [
            question("Write a customer's message.", json_schema=SCHEMA, temperature=0.9, ordinal=number)
            for number in range(4)
        ]
        replies = await client.ask_all(requests)
    for reply in replies:
        assert isinstance(reply, Reply)
        value = json.loads(reply.text)
        assert list(value) == ["topic", "text"]
        assert value["topic"] in ("card", "loan")
        assert len(value["text"]) <= 40
        assert reply.prompt_tokens > 0
        assert reply.completion_tokens > 0


async def test_probabilities_of_the_choices_sum_to_one(endpoint: Endpoint, tmp_path: Path) -> None:
    choices = ["A", "B", "C"]
    request = question(
        "Profit fell by a third. Is this A) good news, B) bad news, or C) neither? Answer with a letter.",
        choices=choices,
        top_logprobs=20,
        max_tokens=1,
    )
    async with TeacherClient(endpoint, ReplyCache(tmp_path / "r.db")) as client:
        reply = await client.ask(request)
    assert reply.text in choices
    assert reply.completion_tokens == 1
    assert reply.top_logprobs is not None
    shares = {token: math.exp(value) for token, value in reply.top_logprobs[0].items()}
    assert sum(shares[choice] for choice in choices) == pytest.approx(1.0, abs=0.01)
    assert max(shares, key=lambda token: shares[token]) == reply.text


async def test_a_strange_key_is_refused(endpoint: Endpoint, tmp_path: Path) -> None:
    stranger = dataclasses.replace(endpoint, key="guessed")
    async with TeacherClient(stranger, ReplyCache(tmp_path / "r.db")) as client:
        (reply,) = await client.ask_all([question("hello")])
    assert "FACTORY_TEACHER_KEY" in str(reply)


async def test_a_killed_engine_is_restarted_and_nothing_answered_is_asked_again(
    server: TeacherServer, endpoint: Endpoint, tmp_path: Path
) -> None:
    log_start = server.log.stat().st_size
    cache = ReplyCache(tmp_path / "r.db")
    requests = [question(f"Tell me about the number {number}.", max_tokens=64) for number in range(24)]
    async with TeacherClient(endpoint, cache, concurrency=4) as client:
        running = asyncio.create_task(client.ask_all(requests))
        while cache.count() < 6:
            assert not running.done()
            await asyncio.sleep(0.02)
        engine(server).kill()
        replies = await running
    assert all(isinstance(reply, Reply) for reply in replies)
    assert cache.count() == 24
    log = server.log.read_bytes()[log_start:].decode()
    assert log.count('"POST /v1/chat/completions HTTP/1.1" 200') == 24


def engine(server: TeacherServer) -> psutil.Process:
    assert server._process is not None
    (found,) = [
        child for child in psutil.Process(server._process.pid).children(recursive=True) if "Engine" in child.name()
    ]
    return found
