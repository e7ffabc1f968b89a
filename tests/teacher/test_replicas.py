"""Several servers of one teacher: work is spread, one that goes down is left out until it is well again."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from factory.errors import TeacherError
from factory.settings import CHECKOUT
from factory.teacher import probe
from factory.teacher.cache import ReplyCache
from factory.teacher.client import Endpoint, Reply, Request, TeacherClient
from tests.loopback_teacher import MODEL, LoopbackTeacher


@pytest.fixture
def cache(tmp_path: Path) -> ReplyCache:
    return ReplyCache(tmp_path / "replies.db")


def client(urls: list[str], cache: ReplyCache, **settings: Any) -> TeacherClient:
    endpoint = Endpoint(",".join(urls), MODEL, "loopback@1")
    return TeacherClient(endpoint, cache, **{"pause": 0.01, "greeting": 0.5, "patience": 5.0, **settings})


def questions(count: int) -> list[Request]:
    return [Request([{"role": "user", "content": f"number {number}"}]) for number in range(count)]


async def test_the_one_with_the_least_to_do_is_asked(cache: ReplyCache) -> None:
    async with (
        LoopbackTeacher(delay=0.01) as quick,
        LoopbackTeacher(delay=0.1) as slow,
        client([quick.url, slow.url], cache, concurrency=8) as asking,
    ):
        replies = await asking.ask_all(questions(80))
    assert all(isinstance(reply, Reply) for reply in replies)
    assert len(quick.asked) + len(slow.asked) == 80
    assert len(quick.asked) > len(slow.asked) > 0
    assert max(quick.most, slow.most) <= 8


async def test_a_server_killed_in_the_middle_leaves_its_work_to_the_others(cache: ReplyCache, tmp_path: Path) -> None:
    log = tmp_path / "asked.txt"
    command = [sys.executable, "-m", "tests.loopback_teacher", "--delay", "0.05", "--log", str(log)]
    with subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True) as doomed:
        assert doomed.stdout is not None
        url = doomed.stdout.readline().strip()
        async with LoopbackTeacher(delay=0.05) as other, client([url, other.url], cache, concurrency=8) as asking:
            running = asyncio.create_task(asking.ask_all(questions(60)))
            while not log.exists() or log.read_text().count("\n") < 6:
                await asyncio.sleep(0.01)
            os.kill(doomed.pid, signal.SIGKILL)
            replies = await running
    assert all(isinstance(reply, Reply) for reply in replies)
    assert cache.count() == 60
    in_vain = log.read_text().count("\n") + len(other.asked) - 60
    assert 0 <= in_vain <= 8  # no more than was in flight there is asked again


async def test_a_server_that_is_well_again_is_asked_again(cache: ReplyCache) -> None:
    async with LoopbackTeacher() as first, LoopbackTeacher(delay=0.01) as second:
        async with client([first.url, second.url], cache, concurrency=4) as asking:
            await asking.ask_all(questions(8))
            await first.stop()
            before = len(first.asked)
            await asking.ask_all(questions(40))
            assert len(first.asked) == before
            await first.start()
            await asyncio.sleep(0.3)
            await asking.ask_all(questions(80))
        assert len(first.asked) > before
    assert cache.count() == len(first.asked) + len(second.asked) == 80


async def test_another_model_where_a_server_was_is_not_asked(cache: ReplyCache) -> None:
    async with LoopbackTeacher() as first, LoopbackTeacher() as second:
        async with client([first.url, second.url], cache, concurrency=4) as asking:
            await first.stop()
            await asking.ask_all(questions(8))
            first._model = "another"
            await first.start()
            await asyncio.sleep(0.3)
            replies = await asking.ask_all(questions(30))
        assert all(isinstance(reply, Reply) for reply in replies)
        assert first.asked == []


async def test_one_that_fails_everything_is_spared_and_costs_no_reply(cache: ReplyCache) -> None:
    async with LoopbackTeacher() as bad, LoopbackTeacher(delay=0.02) as good:
        bad.failures = [500] * 1000
        async with client([bad.url, good.url], cache, concurrency=4, pause=0.05) as asking:
            replies = await asking.ask_all(questions(40))
    assert all(isinstance(reply, Reply) for reply in replies)
    assert len(bad.asked) < 25  # it is the quickest by far


async def test_when_all_are_gone_for_too_long_every_request_is_given_up_at_once(cache: ReplyCache) -> None:
    async with (
        LoopbackTeacher() as first,
        LoopbackTeacher() as second,
        client([first.url, second.url], cache, concurrency=2, patience=0.3) as asking,
    ):
        await asking.ask_all(questions(2))
        await first.stop()
        await second.stop()
        replies = await asyncio.wait_for(asking.ask_all(questions(100)), 10.0)  # not 50 times the patience
    assert sum(isinstance(reply, TeacherError) for reply in replies) == 98


async def test_all_addresses_are_looked_at_and_must_serve_the_model() -> None:
    async with LoopbackTeacher() as first, LoopbackTeacher() as second, LoopbackTeacher(model="other") as wrong:
        endpoint = await asyncio.to_thread(probe.external, MODEL, f"{first.url}/, {second.url}", "")
        assert endpoint.urls == [first.url, second.url]
        assert endpoint.identity == f"{MODEL}@127.0.0.1"
        with pytest.raises(TeacherError, match="doesn't serve") as caught:
            await asyncio.to_thread(probe.external, MODEL, f"{first.url},{wrong.url}", "")
        assert caught.value.where == wrong.url
        await second.stop()
        endpoint = await asyncio.to_thread(probe.external, MODEL, f"{second.url},{first.url}", "")
        assert endpoint.urls == [second.url, first.url]  # it may come back; until then it is left out
        await first.stop()
        with pytest.raises(TeacherError, match="can't be reached"):
            await asyncio.to_thread(probe.external, MODEL, f"{second.url},{first.url}", "")


@pytest.mark.parametrize("url", [",", " , ", "http://127.0.0.1:9/v1,nonsense"])
def test_what_is_no_address_is_named(url: str) -> None:
    with pytest.raises(TeacherError, match="isn't an address"):
        probe.external(MODEL, url, "")
