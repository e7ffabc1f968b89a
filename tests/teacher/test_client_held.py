"""What holds a reply to its form, and servers that refuse it."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from factory.errors import TeacherError
from factory.teacher.cache import ReplyCache
from factory.teacher.client import Reply
from tests.loopback_teacher import LoopbackTeacher
from tests.teacher.test_client import client, question


def without(*unknown: str, status: int = 400) -> Callable[[dict[str, Any]], int | None]:
    """As a server that refuses keys it doesn't know."""
    return lambda body: status if body.keys() & set(unknown) else None


@pytest.mark.parametrize("status", [400, 422])
@pytest.mark.parametrize(
    ("key", "form"), [("structured_outputs", {"choices": ["A", "B"]}), ("response_format", {"json_schema": {}})]
)
async def test_a_server_that_knows_no_constraints_is_asked_without_and_remembered(
    teacher: LoopbackTeacher, cache: ReplyCache, status: int, key: str, form: dict[str, Any]
) -> None:
    teacher.refuses = without(key, status=status)
    teacher._answer = lambda body: "A"
    async with client(teacher, cache, concurrency=1) as asking:
        requests = [question(str(number), **form) for number in range(5)]
        replies = await asking.ask_all(requests)
    assert [reply.text for reply in replies if isinstance(reply, Reply)] == ["A"] * 5
    assert [reply.key for reply in replies if isinstance(reply, Reply)] == [
        request.cache_key("loopback@1") for request in requests
    ]
    assert len(teacher.failed) == 1 and len(teacher.asked) == 6
    assert {name: teacher.failed[0][name] for name in teacher.asked[1]} == teacher.asked[1], "the same but for the key"


async def test_what_a_server_does_take_is_sent_on(teacher: LoopbackTeacher, cache: ReplyCache) -> None:
    teacher.refuses = without("structured_outputs")
    async with client(teacher, cache, concurrency=1) as asking:
        await asking.ask(question("choose", choices=["A", "B"]))
        await asking.ask(question("write", json_schema={"type": "object", "properties": {}}))
    assert "response_format" in teacher.asked[-1]


async def test_a_question_that_is_refused_without_constraints_too_says_why_and_frees_no_other(
    teacher: LoopbackTeacher, cache: ReplyCache
) -> None:
    teacher.refuses = lambda body: 400 if "too long" in str(body["messages"]) else None
    async with client(teacher, cache, concurrency=1) as asking:
        with pytest.raises(TeacherError, match=r"refused \(400\): made to fail"):
            await asking.ask(question("too long", choices=["A", "B"]))
        await asking.ask(question("short", choices=["A", "B"]))
    assert [("structured_outputs" in body) for body in teacher.asked] == [True, False, True]


async def test_another_refusal_costs_one_question_only(teacher: LoopbackTeacher, cache: ReplyCache) -> None:
    teacher.failures = [401]
    async with client(teacher, cache) as asking:
        with pytest.raises(TeacherError, match=r"refused \(401\)") as caught:
            await asking.ask(question("no", choices=["A", "B"]))
    assert len(teacher.asked) == 1
    assert str(copy.copy(caught.value)) == str(caught.value)  # made anew by the same means as in another process
