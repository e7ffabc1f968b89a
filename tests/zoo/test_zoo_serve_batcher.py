"""Requests that arrive together are answered together, each with its own answers, whatever comes when."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo.errors import BadInput, BrokenLog, Unrecorded, ZooError
from zoo.serve.batcher import Batcher, Full, Workers
from zoo.serve.limits import Limits

requests = st.lists(
    st.tuples(st.lists(st.sampled_from(["a", "b", "bad"]), max_size=5), st.integers(0, 3)), min_size=1, max_size=25
)


def batcher(executor: Any, answer: Callable[[list[str]], list[Any]], seen: list[int], **limits: Any) -> Batcher[Any]:
    chosen = Limits(**{"workers": 1, **limits})
    return Batcher(answer, Workers(executor, chosen.workers), chosen, chosen.batch, seen.append)


@settings(max_examples=60)
@given(requests, st.integers(1, 6), st.integers(1, 3))
def test_every_request_gets_the_answers_to_its_own_texts_in_order(
    asked: list[tuple[list[str], int]], batch: int, workers: int
) -> None:
    def answer(texts: list[str]) -> list[str]:
        for place, text in enumerate(texts):
            if text.startswith("bad"):
                raise BadInput("It is bad.", where=f"text {place}")
        return [text.upper() for text in texts]

    async def one(served: Batcher[str], number: int, texts: list[str], turns: int) -> None:
        for _ in range(turns):  # arrivals spread over the loop's turns
            await asyncio.sleep(0)
        own = [f"{text} {number} {place}" for place, text in enumerate(texts)]
        if "bad" in texts:
            with pytest.raises(BadInput) as caught:
                await served.ask(own)
            assert caught.value.where == f"text {texts.index('bad')}"
        else:
            assert await served.ask(own) == [text.upper() for text in own]

    async def all_of_them() -> None:
        seen: list[int] = []
        with ThreadPoolExecutor(workers) as executor:
            served = batcher(executor, answer, seen, batch=batch, workers=workers)
            await asyncio.gather(*(one(served, number, *what) for number, what in enumerate(asked)))
            assert served.waiting == 0
        largest = max(len(texts) for texts, _ in asked)
        assert max(seen, default=0) <= max(batch, largest)

    asyncio.run(all_of_them())


class Slow:
    """Answers when it is let go."""

    def __init__(self) -> None:
        self.go, self.calls = threading.Event(), list[list[str]]()

    def __call__(self, texts: list[str]) -> list[str]:
        self.calls.append(texts)
        assert self.go.wait(10)
        return texts


async def turns(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.001)


async def test_an_idle_one_answers_at_once_and_what_waits_goes_together() -> None:
    slow, seen = Slow(), list[int]()
    with ThreadPoolExecutor(1) as executor:
        served = batcher(executor, slow, seen, batch=4)
        first = asyncio.create_task(served.ask(["0"]))
        await turns(lambda: bool(slow.calls))
        others = [asyncio.create_task(served.ask([str(number)])) for number in range(1, 7)]
        await turns(lambda: served.waiting == 6)
        slow.go.set()
        assert await asyncio.gather(first, *others) == [[str(number)] for number in range(7)]
        assert slow.calls == [["0"], ["1", "2", "3", "4"], ["5", "6"]]
        assert seen == [1, 4, 2]


async def test_workers_share_what_waits() -> None:
    slow, seen = Slow(), list[int]()
    with ThreadPoolExecutor(2) as executor:
        served = batcher(executor, slow, seen, workers=2)
        asked = [asyncio.create_task(served.ask([str(number)])) for number in range(2)]
        await turns(lambda: len(slow.calls) == 2)
        asked += [asyncio.create_task(served.ask([str(number)])) for number in range(2, 8)]
        await turns(lambda: served.waiting == 6)
        slow.go.set()
        assert await asyncio.gather(*asked) == [[str(number)] for number in range(8)]
    assert [len(call) for call in slow.calls] == [1, 1, 3, 2, 1]


async def test_a_full_queue_sheds_at_once_and_what_was_in_it_is_answered() -> None:
    slow = Slow()
    with ThreadPoolExecutor(1) as executor:
        served = batcher(executor, slow, [], queue=3, texts=3)
        kept = [asyncio.create_task(served.ask(["0"]))]
        await turns(lambda: bool(slow.calls))
        kept.append(asyncio.create_task(served.ask(["1", "2"])))
        await turns(lambda: served.waiting == 2)
        with pytest.raises(Full) as caught:
            await served.ask(["3", "4"])
        assert caught.value.after >= 1
        kept.append(asyncio.create_task(served.ask(["5"])))  # there is room for one
        await asyncio.sleep(0)
        slow.go.set()
        assert await asyncio.gather(*kept) == [["0"], ["1", "2"], ["5"]]


async def test_who_waits_too_long_is_shed_and_leaves_room() -> None:
    slow = Slow()
    with ThreadPoolExecutor(1) as executor:
        served = batcher(executor, slow, [], seconds=1.0)
        first = asyncio.create_task(served.ask(["a"]))
        await turns(lambda: bool(slow.calls))
        second = asyncio.create_task(served.ask(["b"]))
        for task in (first, second):
            with pytest.raises(Full):
                await task
        assert served.waiting == 0
        slow.go.set()
        assert await served.ask(["c"]) == ["c"]
        assert slow.calls == [["a"], ["c"]], "a text that nobody waits for is not answered"


async def test_who_has_less_time_than_a_request_is_shed_earlier() -> None:
    slow, now = Slow(), asyncio.get_running_loop().time()
    with ThreadPoolExecutor(1) as executor:
        served = batcher(executor, slow, [], seconds=20.0)
        with pytest.raises(Full):
            await served.ask(["late"], now - 1.0)
        begun = time.monotonic()
        with pytest.raises(Full):
            await served.ask(["a"], now + 0.5)
        slow.go.set()
    assert time.monotonic() - begun < 5 and slow.calls == [["a"]]


async def test_what_would_wait_too_long_is_shed_at_once() -> None:
    slow = Slow()

    def answer(texts: list[str]) -> list[str]:
        time.sleep(0.1)
        return slow(texts)

    with ThreadPoolExecutor(1) as executor:
        served = batcher(executor, answer, [], seconds=3.0, batch=1)
        slow.go.set()
        for text in "abcdefghij":  # it learns what a text costs
            await served.ask([text])
        slow.go.clear()
        held = asyncio.create_task(served.ask(["held"]))  # or the worker would take one of those that are counted
        await turns(lambda: slow.calls[-1] == ["held"])
        asked = [asyncio.create_task(served.ask([str(number)])) for number in range(40)]
        await asyncio.sleep(0)
        shed, waiting = [task for task in asked if task.done()], served.waiting
        slow.go.set()
        for task in (held, *asked):
            task.cancel()
        await asyncio.gather(held, *asked, return_exceptions=True)
    assert 0 < len(shed) < 40 and waiting == 40 - len(shed)
    assert all(isinstance(task.exception(), Full) for task in shed)


@pytest.mark.parametrize("kind", [Unrecorded, BrokenLog])
async def test_nobody_is_asked_again_where_the_log_failed(kind: type[ZooError]) -> None:
    slow = Slow()

    def answer(texts: list[str]) -> list[str]:
        slow(texts)
        raise kind("The disk is full.")

    with ThreadPoolExecutor(1) as executor:
        served = batcher(executor, answer, [])
        asked = [asyncio.create_task(served.ask(["0"]))]
        await turns(lambda: bool(slow.calls))
        asked += [asyncio.create_task(served.ask([str(number)])) for number in range(1, 4)]
        await turns(lambda: served.waiting == 3)
        slow.go.set()
        said = await asyncio.gather(*asked, return_exceptions=True)
    assert [type(one) for one in said] == [kind] * 4
    assert slow.calls == [["0"], ["1", "2", "3"]]


async def test_specialists_take_turns() -> None:
    order: list[str] = []
    go = threading.Event()

    def answering(name: str) -> Callable[[list[str]], list[str]]:
        def answer(texts: list[str]) -> list[str]:
            assert go.wait(10)
            order.append(name)
            return texts

        return answer

    limits = Limits(workers=1)
    with ThreadPoolExecutor(1) as executor:
        workers = Workers(executor, 1)
        one, other = (Batcher(answering(name), workers, limits, 1) for name in ("one", "other"))
        asked = [asyncio.create_task(one.ask(["x"])) for _ in range(4)]
        asked += [asyncio.create_task(other.ask(["x"])) for _ in range(2)]
        await turns(lambda: other.waiting == 2)
        go.set()
        await asyncio.gather(*asked)
    assert order.index("other") <= 2 and order[-1] == "one", order
