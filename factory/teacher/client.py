"""Ask a teacher many things at once, each of them once.

aiohttp, because httpx (which the openai package uses) rescans its pool on every request: measured at 64 at once, it
passed 35 requests a second where aiohttp passed 276.
"""

from __future__ import annotations

import asyncio
import functools
import random
from collections import deque
from collections.abc import Sequence
from types import TracebackType
from typing import cast

import aiohttp
import orjson

from factory.errors import TeacherError
from factory.files import canonical
from factory.progress import Progress, silent
from factory.teacher.attempt import FailedAttemptError, NobodyThereError, attempt
from factory.teacher.cache import ReplyCache, key_of
from factory.teacher.chat import Endpoint, Reply, Request
from factory.teacher.keeper import Keeper
from factory.teacher.pool import Pool, gave_up

__all__ = ["Endpoint", "Reply", "Request", "TeacherClient"]


class _Question:
    """A request on its way, and those who wait for its reply.

    Args:
        request: what is asked.
        text: the same in canonical text.
        key: where the cache will hold the reply.
    """

    def __init__(self, request: Request, text: str, key: str) -> None:
        self.request, self.text, self.key = request, text, key
        self._waiting: list[asyncio.Future[Reply]] = []

    async def reply(self) -> Reply:
        """Wait for it. Everyone waits for a future of their own: who stops waiting takes nothing from the others."""
        waiter: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        return await waiter

    def settle(self, reply: Reply | None, error: Exception | None = None) -> None:
        """Tell those who wait: the reply, or the error, or without either that nobody will answer."""
        for waiter in self._waiting:
            if waiter.done():
                continue
            if error is not None:
                waiter.set_exception(error)
            elif reply is not None:
                waiter.set_result(reply)
            else:
                waiter.cancel()


class TeacherClient:
    """An OpenAI-compatible endpoint behind a cache; use as `async with`.

    Args:
        endpoint: whom to ask. Of several servers that serve it the one with the least to do is asked; one that goes
            down is left out until its health is back, and the others are asked what it left unanswered.
        cache: where replies are kept; a reply is there before it is handed on.
        concurrency: requests in flight, at most.
        timeout: seconds for one attempt, queueing in the server included.
        attempts: how often one request is tried before it is given up.
        patience: seconds to wait for a server that was there and is gone (a supervisor may be restarting it).
        greeting: the same for a server this client has never seen, whose address may be wrong.
        pause: seconds before the second attempt; doubles from there.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        cache: ReplyCache,
        *,
        concurrency: int = 32,
        timeout: float = 900.0,
        attempts: int = 6,
        patience: float = 600.0,
        greeting: float = 30.0,
        pause: float = 0.5,
    ) -> None:
        self.endpoint, self.cache = endpoint, cache
        self._attempts, self._pause, self._concurrency = attempts, pause, concurrency
        self._timeout = aiohttp.ClientTimeout(total=timeout, sock_connect=30.0)
        self._pool = Pool(endpoint, self._timeout, patience=patience, greeting=greeting, pause=pause)
        self._keeper = Keeper(cache)
        self._asking: dict[str, _Question] = {}  # by key, until the reply is on disk or there is none
        self._new: list[_Question] = []  # those of them that have not been looked up in the cache
        self._next: deque[_Question] = deque()  # those that have, and that no worker has begun to ask
        self._workers: set[asyncio.Task[None]] = set()
        self._open = False

    async def __aenter__(self) -> TeacherClient:
        await self._pool.open()
        self._open = True
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open = False
        self._new.clear()
        self._next.clear()
        for worker in self._workers:
            worker.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)
        await self._keeper.close()
        for question in self._asking.values():
            question.settle(None)
        self._asking.clear()
        await self._pool.close()

    async def ask(self, request: Request) -> Reply:
        """The reply to a request: from the cache, from the same question already in flight, or from the teacher.

        Raises:
            TeacherError: refused, not understood, or out of reach after every attempt.
            FactoryError: the reply can't be stored.
        """
        if not self._open:
            raise RuntimeError("TeacherClient is used as `async with TeacherClient(...) as client`")
        text = canonical(request.canonical(self.endpoint.identity))
        key = key_of(text)
        question = self._asking.get(key)
        if question is None:
            question = self._asking[key] = _Question(request, text, key)
            if not self._new:
                asyncio.get_running_loop().call_soon(self._look_up)
            self._new.append(question)
        return await question.reply()

    async def ask_all(self, requests: Sequence[Request], progress: Progress = silent) -> list[Reply | TeacherError]:
        """The replies in the requests' order; a request that failed leaves its error and costs no other its reply.

        Raises:
            FactoryError: replies can't be stored; what is in flight is given up.
        """
        done = 0
        found: list[Reply | TeacherError | None] = [None] * len(requests)
        waiting = iter(enumerate(requests))

        async def work() -> None:
            nonlocal done
            for place, request in waiting:  # shared: every worker takes the next one
                try:
                    found[place] = await self.ask(request)
                except TeacherError as error:
                    found[place] = error
                done += 1
                progress(done, len(requests))

        async with _Together() as group:
            # Twice as many as may ask: while some wait until their replies are on disk, the others ask.
            for _ in range(min(2 * self._concurrency, len(requests))):
                group.create_task(work())
        return [reply for reply in found if reply is not None]

    def _look_up(self) -> None:
        """Answer what the cache holds of the new questions, all looked up at once; workers ask the others."""
        new, self._new = self._new, []
        try:
            stored = self.cache.get_all([question.key for question in new])
            found = {key: Reply.restored(value, key) for key, value in stored.items()}
        except Exception as error:  # noqa: BLE001 - told to everyone who waits
            for question in new:
                self._over(question, None, error)
            return
        for question in new:
            if question.key in found:
                self._over(question, found[question.key])
            else:
                self._next.append(question)
        for _ in range(min(len(self._next), self._concurrency - len(self._workers))):
            self._workers.add(asyncio.create_task(self._work()))

    async def _work(self) -> None:
        """Ask one question after another until none is left; there are never more workers than may ask at once."""
        while self._next:
            question = self._next.popleft()
            try:
                reply = await self._insist(question)
            except Exception as error:  # noqa: BLE001 - told to everyone who waits
                self._over(question, None, error)
            else:  # The next one is asked while this reply is written to disk.
                self._keeper.keep(reply.entry(question.text), functools.partial(self._over, question, reply))
        # At once, not when the task is seen to be done: what is asked in between would wait for a worker that is over.
        self._workers.discard(cast("asyncio.Task[None]", asyncio.current_task()))

    def _over(self, question: _Question, reply: Reply | None, error: Exception | None = None) -> None:
        """A question's reply is on disk, or there is none."""
        del self._asking[question.key]
        question.settle(reply, error)

    async def _insist(self, question: _Question) -> Reply:
        """Try until there is a reply, the attempts are spent or every server has been gone for too long."""
        body, attempts = orjson.dumps(question.request.body(self.endpoint.model)), 0
        while True:
            replica = await self._pool.take()
            try:
                return await attempt(self._pool, replica, body, question.key)
            except NobodyThereError as nobody:
                self._pool.gone(replica, str(nobody))
            except FailedAttemptError as failure:
                attempts += 1
                if attempts >= self._attempts:
                    raise gave_up(self.endpoint.url, failure.what, attempts) from failure
                delay = min(30.0, self._pause * 2 ** (attempts - 1)) * random.uniform(0.5, 1.0)
                await asyncio.sleep(delay if failure.wait is None else failure.wait)
            finally:
                self._pool.give(replica)


class _Together(asyncio.TaskGroup):
    """A TaskGroup that raises the first error itself, not a group of them."""

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            await super().__aexit__(kind, error, trace)
        except BaseExceptionGroup as group:
            raise group.exceptions[0] from None
