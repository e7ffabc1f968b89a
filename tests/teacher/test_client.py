"""The client against a loopback server: order, concurrency, retries, errors, and never paying twice."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory.errors import FactoryError, TeacherError
from factory.teacher.cache import Entry, ReplyCache
from factory.teacher.client import Endpoint, Reply, Request, TeacherClient
from tests.loopback_teacher import MODEL, LoopbackTeacher, answer_of


def client(teacher: LoopbackTeacher, cache: ReplyCache, **settings: Any) -> TeacherClient:
    endpoint = Endpoint(teacher.url, MODEL, "loopback@1")
    return TeacherClient(endpoint, cache, **{"pause": 0.01, "greeting": 0.2, "patience": 5.0, **settings})


def question(text: str, **rest: Any) -> Request:
    return Request([{"role": "user", "content": text}], **rest)


async def test_replies_come_in_order_and_are_never_asked_for_twice(teacher: LoopbackTeacher, cache: ReplyCache) -> None:
    requests = [question(f"number {number}") for number in range(50)]
    async with client(teacher, cache) as first:
        replies = await first.ask_all(requests)
    async with client(teacher, cache) as second:
        again = await second.ask_all(requests)
    assert [reply.text for reply in replies if isinstance(reply, Reply)] == [
        answer_of(request.body(MODEL)) for request in requests
    ]
    assert [reply.cached for reply in again if isinstance(reply, Reply)] == [True] * 50
    assert [vars(reply) | {"cached": False} for reply in again] == [vars(reply) for reply in replies]
    assert len(teacher.asked) == cache.count() == 50


async def test_a_question_in_flight_is_shared(teacher: LoopbackTeacher, cache: ReplyCache) -> None:
    async with client(teacher, cache) as asking:
        replies = await asking.ask_all([question("the same")] * 20)
        fresh = await asking.ask(question("the same", ordinal=1))
    assert len(teacher.asked) == 2
    assert len({reply.key for reply in replies if isinstance(reply, Reply)} | {fresh.key}) == 2


async def test_one_who_stops_waiting_takes_nothing_from_the_others(cache: ReplyCache) -> None:
    async with LoopbackTeacher(delay=0.2) as teacher, client(teacher, cache) as asking:
        impatient = asyncio.create_task(asking.ask(question("shared")))
        patient = asyncio.create_task(asking.ask(question("shared")))
        await asyncio.sleep(0.05)
        impatient.cancel()
        assert (await patient).text.startswith("reply")
        assert len(teacher.asked) == 1


async def test_a_question_asked_the_moment_a_worker_ends_finds_another_to_ask_it(
    teacher: LoopbackTeacher, cache: ReplyCache
) -> None:
    async with client(teacher, cache, concurrency=1) as asking:
        for moment in range(100):  # turns of the event loop after the first question; an answer takes some dozen
            first = asyncio.create_task(asking.ask(question(f"first {moment}")))
            for _ in range(moment):
                await asyncio.sleep(0)
            second = asyncio.create_task(asking.ask(question(f"second {moment}")))
            await asyncio.wait_for(asyncio.gather(first, second), 10.0)
    assert len(teacher.asked) == cache.count() == 200


async def test_the_next_is_asked_while_a_reply_is_written_and_none_is_handed_on_before(
    teacher: LoopbackTeacher, cache: ReplyCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk, put_all = threading.Event(), cache.put_all

    def slowly(entries: Sequence[Entry]) -> None:
        disk.wait(10.0)
        put_all(entries)

    monkeypatch.setattr(cache, "put_all", slowly)
    async with client(teacher, cache, concurrency=1) as asking:
        waiting = [asyncio.create_task(asking.ask(question(str(number)))) for number in range(3)]
        async with asyncio.timeout(10.0):
            while len(teacher.asked) < 3:
                await asyncio.sleep(0.005)
        await asyncio.sleep(0.05)
        assert cache.count() == 0
        assert not any(task.done() for task in waiting)
        disk.set()
        replies = await asyncio.gather(*waiting)
    assert all(cache.contains(reply.key) for reply in replies)


async def test_whoever_still_waits_when_the_client_is_closed_is_told(cache: ReplyCache) -> None:
    async with LoopbackTeacher(delay=5.0) as teacher:
        async with client(teacher, cache, concurrency=2) as asking:
            waiting = [asyncio.create_task(asking.ask(question(str(number)))) for number in range(5)]
            await asyncio.sleep(0.05)
        done, late = await asyncio.wait(waiting, timeout=2.0)
    assert not late
    assert all(task.cancelled() for task in done)
    assert len(teacher.asked) == 2


async def test_what_was_not_looked_up_when_the_client_is_closed_is_not_asked(
    teacher: LoopbackTeacher, cache: ReplyCache
) -> None:
    async with client(teacher, cache) as asking:
        waiting = asyncio.create_task(asking.ask(question("late")))
        await asyncio.sleep(0)
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await asyncio.sleep(0)
    assert not asking._workers


async def test_a_cache_that_cannot_be_read_ends_the_work_and_says_so(
    teacher: LoopbackTeacher, cache: ReplyCache
) -> None:
    cache._database.execute("DROP TABLE replies")
    async with client(teacher, cache) as asking:
        with pytest.raises(FactoryError, match="damaged"):
            await asyncio.wait_for(asking.ask_all([question(str(number)) for number in range(5)]), 10.0)
    assert not teacher.asked


async def test_a_reply_that_is_not_one_any_more_leaves_nobody_waiting(
    teacher: LoopbackTeacher, cache: ReplyCache
) -> None:
    async with client(teacher, cache) as asking:
        await asking.ask(question("kept"))
        cache._database.execute("UPDATE replies SET reply = '{'")
        with pytest.raises(ValueError, match="property name"):
            await asyncio.wait_for(asking.ask(question("kept")), 10.0)
        assert (await asking.ask(question("another"))).text.startswith("reply")


async def test_concurrency_is_bounded_and_used(cache: ReplyCache) -> None:
    async with LoopbackTeacher(delay=0.02) as teacher, client(teacher, cache, concurrency=7) as asking:
        await asking.ask_all([question(str(number)) for number in range(40)])
        assert teacher.most == 7


async def test_progress_counts_every_request(teacher: LoopbackTeacher, cache: ReplyCache) -> None:
    seen: list[tuple[int, int]] = []
    async with client(teacher, cache) as asking:
        await asking.ask_all([question(str(number)) for number in range(5)], lambda *at: seen.append(at))
    assert seen == [(number, 5) for number in range(1, 6)]


@pytest.mark.parametrize("failure", [500, 502, 503, 429, "drop"])
async def test_passing_trouble_is_tried_again(teacher: LoopbackTeacher, cache: ReplyCache, failure: int | str) -> None:
    teacher.failures = [failure, failure]
    async with client(teacher, cache) as asking:
        assert (await asking.ask(question("again"))).text.startswith("reply")
    assert len(teacher.asked) == 3


async def test_limits_a_minute_spend_no_attempt(teacher: LoopbackTeacher, cache: ReplyCache) -> None:
    teacher.failures = [429] * 20
    async with client(teacher, cache, attempts=2, pause=0.0001, concurrency=3) as asking:
        replies = await asking.ask_all([question(str(number)) for number in range(5)])
    assert all(isinstance(reply, Reply) for reply in replies)
    assert len(teacher.failed) == 20


async def test_who_limits_everybody_for_too_long_is_given_up_and_what_helps_is_told(
    teacher: LoopbackTeacher, cache: ReplyCache
) -> None:
    async with client(teacher, cache, attempts=2, patience=0.2, concurrency=2) as asking:
        await asking.ask(question("before"))
        teacher.failures = [429] * 10_000
        replies = await asyncio.wait_for(asking.ask_all([question(str(number)) for number in range(50)]), 5.0)
        teacher.failures.clear()
        assert (await asking.ask(question("after"))).text.startswith("reply")
    for reply in replies:
        assert isinstance(reply, TeacherError)
        assert "limits how often it may be asked (429): made to fail with 429" in reply.what
        assert "teacher.concurrency" in reply.fix and reply.where == teacher.url


async def test_while_others_get_replies_a_limited_question_waits_for_its_turn(cache: ReplyCache) -> None:
    async with LoopbackTeacher(delay=0.01) as teacher, client(teacher, cache, concurrency=2, patience=0.15) as asking:
        teacher.refuses = lambda body: 429 if len(teacher.asked) < 60 and "unlucky" in str(body["messages"]) else None
        replies = await asking.ask_all([question("unlucky"), *(question(str(number)) for number in range(80))])
    assert all(isinstance(reply, Reply) for reply in replies) and len(teacher.failed) > 2


@given(st.integers(1, 5000), st.floats(0.001, 60))
def test_nobody_waits_longer_than_half_a_minute_for_the_next_attempt(times: int, pause: float) -> None:
    waiting = TeacherClient(Endpoint("http://127.0.0.1:9/v1", MODEL, "m@1"), None, pause=pause)  # type: ignore[arg-type]
    assert min(30.0, pause * 2 ** (min(times, 20) - 1)) / 2 <= waiting._delay(times) <= 30.0


async def test_a_host_that_drops_packets_is_nobody_and_costs_no_attempt(cache: ReplyCache) -> None:
    with socket.socket() as deaf, ExitStack() as crowd:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        for _ in range(4):  # the queue is full from now on, and what more comes is dropped
            one = crowd.enter_context(socket.socket())
            one.setblocking(False)
            one.connect_ex(deaf.getsockname())
        endpoint = Endpoint(f"http://127.0.0.1:{deaf.getsockname()[1]}/v1", MODEL, "loopback@1")
        async with TeacherClient(endpoint, cache, attempts=1, greeting=0.2, pause=0.01, connecting=0.1) as asking:
            with pytest.raises(TeacherError, match="Nobody answers there") as caught:
                await asking.ask(question("anyone?"))
    assert "Tried" not in caught.value.what and "didn't answer" not in caught.value.what


async def test_what_openai_does_not_know_is_sent_only_where_it_is_asked_for(
    teacher: LoopbackTeacher, cache: ReplyCache
) -> None:
    async with client(teacher, cache) as asking:
        await asking.ask(question("plain"))
        await asking.ask(replace(question("drawn"), temperature=0.9, min_p=0.05))
    assert [body.get("min_p") for body in teacher.asked] == [None, 0.05]


async def test_a_hanging_server_is_asked_again(teacher: LoopbackTeacher, cache: ReplyCache) -> None:
    teacher.failures = ["hang"]
    async with client(teacher, cache, timeout=0.2) as asking:
        assert (await asking.ask(question("again"))).text.startswith("reply")


async def test_lasting_trouble_names_the_address_and_costs_no_other_request(
    teacher: LoopbackTeacher, cache: ReplyCache
) -> None:
    teacher.failures = [500] * 3
    async with client(teacher, cache, attempts=3, concurrency=1) as asking:
        bad, good = await asking.ask_all([question("first"), question("second")])
    assert isinstance(bad, TeacherError)
    assert bad.where == teacher.url
    assert "made to fail with 500" in bad.what
    assert "Tried 3 times" in bad.what
    assert isinstance(good, Reply)
    assert cache.count() == 1


@pytest.mark.parametrize("failure", [500, "html", "json", "cut"])
async def test_a_teacher_that_fails_everything_for_a_while_costs_no_reply(
    teacher: LoopbackTeacher, cache: ReplyCache, failure: int | str
) -> None:
    async with client(teacher, cache, attempts=2, concurrency=4) as asking:
        await asking.ask(question("it has replied before"))
        teacher.failures = [failure] * 10_000
        running = asyncio.create_task(asking.ask_all([question(str(number)) for number in range(20)]))
        while len(teacher.failed) < 4 * 4:
            await asyncio.sleep(0.005)
        teacher.failures.clear()
        assert all(isinstance(reply, Reply) for reply in await running)
    assert len(teacher.asked) - len(teacher.failed) == 21


async def test_a_teacher_that_fails_everything_for_too_long_is_given_up(
    teacher: LoopbackTeacher, cache: ReplyCache
) -> None:
    async with client(teacher, cache, attempts=2, forbearance=0.2) as asking:
        await asking.ask(question("it has replied before"))
        teacher.failures = ["html"] * 10_000
        with pytest.raises(TeacherError, match=r"Welcome to nginx.* Tried \d+ times"):
            await asyncio.wait_for(asking.ask(question("and now")), 10.0)
    assert len(teacher.failed) > 2


async def test_a_question_that_alone_fails_is_given_up_soon(teacher: LoopbackTeacher, cache: ReplyCache) -> None:
    async with client(teacher, cache, attempts=3, concurrency=2) as asking:
        await asking.ask(question("it has replied before"))
        teacher._answer = lambda body: answer_of(body) if "good" in body["messages"][0]["content"] else None  # type: ignore[assignment, return-value]
        everything = [question("bad"), *(question(f"good {number}") for number in range(300))]
        bad, *good = await asking.ask_all(everything)
    assert isinstance(bad, TeacherError) and "can't be reached" in bad.what
    assert all(isinstance(reply, Reply) for reply in good)
    assert sum("bad" in body["messages"][0]["content"] for body in teacher.asked) < 20


@pytest.mark.parametrize("status", [400, 401, 404, 422])
async def test_a_refusal_is_not_tried_again(teacher: LoopbackTeacher, cache: ReplyCache, status: int) -> None:
    teacher.failures = [status]
    async with client(teacher, cache) as asking:
        with pytest.raises(TeacherError, match=rf"refused \({status}\): made to fail") as caught:
            await asking.ask(question("no"))
    assert len(teacher.asked) == 1
    assert caught.value.fix


@pytest.mark.parametrize(("failure", "shown"), [("html", "Welcome to nginx"), ("json", "hello")])
async def test_something_else_behind_the_address_is_shown(
    teacher: LoopbackTeacher, cache: ReplyCache, failure: str, shown: str
) -> None:
    teacher.failures = [failure]
    async with client(teacher, cache) as asking:
        with pytest.raises(TeacherError, match=shown) as caught:
            await asking.ask(question("hm"))
    assert teacher.url in caught.value.where
    assert "FACTORY_TEACHER_URL" in caught.value.fix
    assert cache.count() == 0


async def test_a_server_that_comes_back_gets_only_what_is_unanswered(cache: ReplyCache) -> None:
    async with LoopbackTeacher(delay=0.02) as teacher, client(teacher, cache, concurrency=4) as asking:
        requests = [question(str(number)) for number in range(40)]
        running = asyncio.create_task(asking.ask_all(requests))
        while cache.count() < 10:
            await asyncio.sleep(0.005)
        await teacher.stop()
        await asyncio.sleep(0.3)  # what had been answered is in the cache by now
        answered = cache.count()
        asked = len(teacher.asked)
        await teacher.start()
        replies = await running
    assert all(isinstance(reply, Reply) for reply in replies)
    assert len(teacher.asked) - asked == 40 - answered


async def test_a_wrong_address_is_given_up_soon(cache: ReplyCache) -> None:
    async with LoopbackTeacher() as gone:
        pass
    async with client(gone, cache) as asking:
        with pytest.raises(TeacherError, match="Nobody answers there") as caught:
            await asking.ask(question("anyone?"))
    assert caught.value.where == gone.url


async def test_a_full_disk_ends_the_work_and_says_so(teacher: LoopbackTeacher, cache: ReplyCache) -> None:
    cache._database.execute("PRAGMA max_page_count = 8")
    async with client(teacher, cache) as asking:
        with pytest.raises(FactoryError, match="disk is full") as caught:
            await asking.ask_all([question(f"{number} " + "long " * 2000) for number in range(20)])
    assert not isinstance(caught.value, TeacherError)


async def test_constraints_and_logprobs_travel(teacher: LoopbackTeacher, cache: ReplyCache) -> None:
    schema = {"type": "object", "properties": {"b": {"type": "string"}, "a": {"enum": ["x", "y"]}}}
    async with client(teacher, cache) as asking:
        written = await asking.ask(question("write", json_schema=schema, temperature=0.9))
        chosen = await asking.ask(question("choose", choices=["A", "B", "C"], top_logprobs=3, max_tokens=1))
    assert list(json.loads(written.text)) == ["b", "a"]
    assert written.top_logprobs is None
    assert chosen.text in ("A", "B", "C")
    assert chosen.top_logprobs is not None
    assert set(chosen.top_logprobs[0]) == {"A", "B", "C"}
    assert "seed" not in teacher.asked[0] | teacher.asked[1]
    assert asking.cache.get(chosen.key) == chosen.stored()
