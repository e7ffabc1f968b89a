"""Requests that arrive together are answered in one call.

While a worker is free a request is answered at once. What arrives while all are busy waits, and the next worker that is
free takes its share of it in one call. So batches grow with the load by themselves; nothing waits for one to fill.

Workers fetch the next batch themselves: were the event loop to hand it out, a processor would stand idle between two
batches for as long as the loop is at answers and requests.
"""

from __future__ import annotations

import asyncio
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from zoo.errors import BrokenLog, Unrecorded
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
    """Threads in which batches are answered, so that the event loop stays free. Specialists take turns, by batches.

    Args:
        executor: its threads.
        count: how many there are.
    """

    def __init__(self, executor: Executor, count: int) -> None:
        self.count = count
        self.lock = threading.Lock()
        """Held whenever a queue is looked at or changed, for as long as that takes."""
        self._executor, self._idle = executor, count
        self._turns: deque[Batcher[Any]] = deque()  # those before whom somebody waits

    def wake(self, batcher: Batcher[Any]) -> None:
        """Say that somebody waits there."""
        with self.lock:
            if batcher not in self._turns:
                self._turns.append(batcher)
            if not self._idle:
                return
            self._idle -= 1
        self._executor.submit(self._work)

    def _work(self) -> None:
        """In a thread: one batch after the other, as long as anybody waits."""
        while (found := self._next()) is not None:
            found()

    def _next(self) -> Callable[[], None] | None:
        """The next batch; None, and one more is idle, where nobody waits."""
        with self.lock:
            while self._turns:
                batcher = self._turns.popleft()
                work = batcher.take()
                if batcher.waiting:
                    self._turns.append(batcher)
                if work is not None:
                    return work
            self._idle += 1
            return None


class Batcher(Generic[T]):
    """The queue before one specialist.

    Args:
        answer: answers texts, in their order; called in a worker. What it raises goes to the one request it was about:
            where a batch of several fails, each is asked alone, unless an audit log failed.
        workers: shared with other batchers.
        limits: queue and seconds count.
        batch: texts of one call, at most, unless one request alone has more.
        seen: told the number of texts of every batch, in a worker.
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
        self._cost = 0.01  # seconds a text, lately
        self._at_work = 0  # texts
        self.waiting = 0
        """Texts in the queue."""

    async def ask(self, texts: Sequence[str], until: float | None = None) -> list[T]:
        """The answers to these texts, in their order.

        Args:
            texts: of one request.
            until: a time of the event loop's clock; None: when a request that comes now has to be answered.

        Raises:
            Full: the queue has no room for them, or they were not answered in time, or would not be.
            what `answer` raises about them.
        """
        if not texts:  # they would wait without being counted
            return []
        loop = asyncio.get_running_loop()
        asked: _Asked[T] = _Asked(texts, loop.create_future())
        left = self._limits.seconds if until is None else until - loop.time()
        with self._workers.lock:
            if self.waiting + len(texts) > self._limits.queue or self._wait() > left:
                raise Full(max(1, math.ceil(self._wait())))
            self._queue.append(asked)
            self.waiting += len(texts)
        self._workers.wake(self)
        try:
            return await asyncio.wait_for(asked.answers, left)
        except TimeoutError:
            raise Full(max(1, math.ceil(self._wait()))) from None
        finally:
            if asked.answers.cancelled():
                self._forget(asked)

    def take(self) -> Callable[[], None] | None:
        """A worker's share of what waits, to be answered: all of it would leave the others idle. None: nobody waits.

        The caller holds the workers' lock.
        """
        batch: list[_Asked[T]] = []
        room = min(self._batch, math.ceil(self.waiting / self._workers.count))
        while self._queue and (not batch or len(self._queue[0].texts) <= room):
            asked = self._queue.popleft()
            self.waiting -= len(asked.texts)
            room -= len(asked.texts)
            batch.append(asked)
        self._at_work += sum(len(asked.texts) for asked in batch)
        return (lambda: self._work(batch)) if batch else None

    def _forget(self, asked: _Asked[T]) -> None:
        """Nobody waits for it any more."""
        with self._workers.lock:
            if asked in self._queue:
                self._queue.remove(asked)
                self.waiting -= len(asked.texts)

    def _wait(self) -> float:
        """Seconds until what is here now will have been answered, about."""
        return (self.waiting + self._at_work) * self._cost / self._workers.count

    def _work(self, batch: list[_Asked[T]]) -> None:
        """In a worker: answer a batch; where that fails, each of its requests alone, but for an audit log that failed.

        It would fail again for each, after as long a wait; and those who answered would be asked, and counted, twice.
        """
        count = sum(len(asked.texts) for asked in batch)
        try:
            failed = self._call(batch)
            again = len(batch) > 1 and not isinstance(failed, Unrecorded | BrokenLog)
            for asked in batch if failed is not None else ():
                alone = self._call([asked]) if again else failed
                if alone is not None:
                    _tell([(asked, alone)])
        finally:
            with self._workers.lock:
                self._at_work -= count

    def _call(self, batch: list[_Asked[T]]) -> BaseException | None:
        """Answer these requests in one call; returns what went wrong, if anything did."""
        texts = [text for asked in batch for text in asked.texts]
        begun = time.monotonic()
        try:
            said = self._answer(texts)
            if len(said) != len(texts):
                raise RuntimeError(f"{len(said)} answers to {len(texts)} texts")
        except BaseException as error:  # noqa: BLE001  (whatever it is, who asked is told, and the worker goes on)
            return error
        finally:
            self._seen(len(texts))
        self._cost += 0.2 * ((time.monotonic() - begun) / max(1, len(texts)) - self._cost)
        answers = iter(said)
        _tell([(asked, [next(answers) for _ in asked.texts]) for asked in batch])
        return None


def _tell(told: Sequence[tuple[_Asked[T], list[T] | BaseException]]) -> None:
    """From a worker: what those who asked wait for."""

    def tell() -> None:
        for asked, said in told:
            if asked.answers.done():
                continue
            if isinstance(said, BaseException):
                asked.answers.set_exception(said)
            else:
                asked.answers.set_result(said)

    with suppress(RuntimeError):  # the loop has ended, and nobody waits
        told[0][0].answers.get_loop().call_soon_threadsafe(tell)
