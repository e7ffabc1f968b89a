"""Requests that arrive together are answered in one call.

While a worker is free a request is answered at once. What arrives while all are busy waits, and the next worker that is
free takes its share of it in one call. So batches grow with the load by themselves; nothing waits for one to fill.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from zoo.serve.limits import Limits

T = TypeVar("T")


class Full(Exception):  # noqa: N818  (an answer to a client, not a failure)
    """No room, or no answer in time; the request was not answered.

    Attributes:
        after: seconds after which it may be worth asking again.
    """

    def __init__(self, after: int) -> None:
        self.after = after
        super().__init__(f"try again in {after} s")


@dataclass(eq=False)
class _Asked(Generic[T]):
    texts: Sequence[str]
    answers: asyncio.Future[list[T]]


class Workers:
    """Threads in which batches are answered, so that the event loop stays free.

    They are given out one batch at a time and in the order of asking, so that specialists take turns.

    Args:
        executor: its threads.
        count: how many there are.
    """

    def __init__(self, executor: Executor, count: int) -> None:
        self.executor, self.count = executor, count
        self.free = asyncio.Semaphore(count)


class Batcher(Generic[T]):
    """The queue before one specialist.

    Args:
        answer: answers texts, in their order; called in a worker. What it raises goes to the one request it was about:
            where a batch of several fails, each is asked alone.
        workers: shared with other batchers.
        limits: queue and seconds count.
        batch: texts of one call, at most, unless one request alone has more.
        seen: told the number of texts of every batch.
    """

    def __init__(
        self,
        answer: Callable[[list[str]], list[T]],
        workers: Workers,
        limits: Limits,
        batch: int,
        seen: Callable[[int], Any] = lambda _: None,
    ) -> None:
        self._answer, self._workers, self._limits, self._batch, self._seen = answer, workers, limits, batch, seen
        self._queue: deque[_Asked[T]] = deque()
        self._feeder: asyncio.Task[None] | None = None
        self._batches: set[asyncio.Task[None]] = set()  # the event loop keeps weak references only
        self._cost = 0.01  # seconds a text, lately
        self._at_work = 0  # texts
        self.waiting = 0
        """Texts in the queue."""

    async def ask(self, texts: Sequence[str]) -> list[T]:
        """The answers to these texts, in their order.

        Raises:
            Full: the queue has no room for them, or they were not answered in time, or would not be.
            what `answer` raises about them.
        """
        if not texts:  # they would wait without being counted
            return []
        if self.waiting + len(texts) > self._limits.queue or self._wait() > self._limits.seconds:
            raise Full(max(1, math.ceil(self._wait())))
        asked: _Asked[T] = _Asked(texts, asyncio.get_running_loop().create_future())
        self._queue.append(asked)
        self.waiting += len(texts)
        if self._feeder is None or self._feeder.done():
            self._feeder = asyncio.create_task(self._feed())
        try:
            return await asyncio.wait_for(asked.answers, self._limits.seconds)
        except TimeoutError:
            raise Full(max(1, math.ceil(self._wait()))) from None
        finally:
            if asked in self._queue:  # nobody waits for it any more
                self._queue.remove(asked)
                self.waiting -= len(texts)

    def _wait(self) -> float:
        """Seconds until what is here now will have been answered, about."""
        return (self.waiting + self._at_work) * self._cost / self._workers.count

    async def _feed(self) -> None:
        """Give batches to workers as long as anybody waits."""
        free = self._workers.free
        while self._queue:
            await free.acquire()
            batch = self._take()
            if not batch:
                free.release()
                continue
            task = asyncio.create_task(self._work(batch))
            self._batches.add(task)
            task.add_done_callback(self._batches.discard)

    def _take(self) -> list[_Asked[T]]:
        """A worker's share of what waits: all of it would leave the others idle."""
        batch: list[_Asked[T]] = []
        room = min(self._batch, math.ceil(self.waiting / self._workers.count))
        while self._queue and (not batch or len(self._queue[0].texts) <= room):
            asked = self._queue.popleft()
            self.waiting -= len(asked.texts)
            room -= len(asked.texts)
            batch.append(asked)
        return batch

    async def _work(self, batch: list[_Asked[T]]) -> None:
        """Answer a batch in a worker that is held already, and let go of it."""
        try:
            failed = await self._call(batch)
            for asked in batch if failed is not None else ():
                if len(batch) > 1:
                    failed = await self._call([asked])
                if failed is not None and not asked.answers.done():
                    asked.answers.set_exception(failed)
        finally:
            self._workers.free.release()

    async def _call(self, batch: list[_Asked[T]]) -> BaseException | None:
        """Answer these requests in one call; returns what went wrong, if anything did."""
        loop = asyncio.get_running_loop()
        texts = [text for asked in batch for text in asked.texts]
        begun = loop.time()
        called = loop.run_in_executor(self._workers.executor, self._answer, texts)
        self._at_work += len(texts)
        await asyncio.wait([called])
        self._at_work -= len(texts)
        self._seen(len(texts))
        if failed := called.exception():
            return failed
        self._cost += 0.2 * ((loop.time() - begun) / max(1, len(texts)) - self._cost)
        answers = iter(called.result())
        for asked in batch:
            own = [next(answers) for _ in asked.texts]
            if not asked.answers.done():
                asked.answers.set_result(own)
        return None
