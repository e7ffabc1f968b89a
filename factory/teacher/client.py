"""Ask a teacher many things at once, each of them once.

aiohttp, because httpx (which the openai package uses) rescans its pool on every request: measured at 64 at once, it
passed 35 requests a second where aiohttp passed 276.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import time
from collections import deque
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import cast

import aiohttp
import orjson

from factory.errors import TeacherError
from factory.files import canonical
from factory.progress import Progress, silent
from factory.teacher.attempt import BusyError, FailedAttemptError, NobodyThereError, RefusedError, attempt
from factory.teacher.cache import Entry, ReplyCache, key_of
from factory.teacher.chat import HELD_BY, Endpoint, Reply, Request
from factory.teacher.keeper import Keeper
from factory.teacher.pool import Pool, Replica, gave_up, too_often

__all__ = ["Endpoint", "Reply", "Request", "TeacherClient"]


_AHEAD = 4
"""Questions that `ask_all` has handed in, for each that may be in flight: while some wait until their replies are on
disk, others are asked."""
_LONGEST = 30.0  # seconds between two attempts, at most, where the server asks for no more


class _Question:
    """A request on its way, and those who wait for its reply.

    Thousands come and go in a second, so it holds little: what is allocated sets off the garbage collector, which looks
    through all that is in flight.

    Args:
        request: what is asked.
        text: the same in canonical text.
        key: where the cache will hold the reply.

    Attributes:
        outcome: what came of it; None: nothing yet, or nothing ever, since the client is closed.
        waiting: told when it is over, the question itself each.
    """

    __slots__ = ("key", "outcome", "request", "text", "waiting")

    def __init__(self, request: Request, text: str, key: str) -> None:
        self.request, self.text, self.key = request, text, key
        self.outcome: Reply | Exception | None = None
        self.waiting: list[Callable[[_Question], None]] = []


class TeacherClient:
    """An OpenAI-compatible endpoint behind a cache; use as `async with`.

    Args:
        endpoint: whom to ask. Of several servers that serve it the one with the least to do is asked; one that goes
            down is left out until its health is back, and the others are asked what it left unanswered.
        cache: where replies are kept; a reply is there before it is handed on.
        concurrency: requests in flight, at most.
        timeout: seconds for one attempt, queueing in the server included.
        attempts: how often one request is tried before it is given up, unless all others fail as it does.
        patience: seconds to wait for a server that was there and is gone (a supervisor may be restarting it), or that
            answers nobody because it limits how often it may be asked.
        greeting: the same for a server this client has never seen, whose address may be wrong.
        forbearance: seconds to go on asking servers that gave replies and now fail whatever they are asked.
        pause: seconds before the second attempt; doubles from there, up to half a minute.
        connecting: seconds for a connection; without one in time nobody is there.
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
        forbearance: float = 180.0,
        pause: float = 0.5,
        connecting: float = 30.0,
    ) -> None:
        self.endpoint, self.cache = endpoint, cache
        self._attempts, self._pause, self._concurrency = attempts, pause, concurrency
        self._timeout = aiohttp.ClientTimeout(total=timeout, sock_connect=connecting)
        self._pool = Pool(
            endpoint, self._timeout, patience=patience, greeting=greeting, forbearance=forbearance, pause=pause
        )
        self._keeper = Keeper(cache, self._kept)
        self._asking: dict[str, _Question] = {}  # by key, until the reply is on disk or there is none
        self._new: list[_Question] = []  # those of them that have not been looked up in the cache
        self._next: deque[_Question] = deque()  # those that have, and that no worker has begun to ask
        self._workers: set[asyncio.Task[None]] = set()
        self._loose: frozenset[str] = frozenset()  # of HELD_BY: refused, and the same question answered without
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
        for question in list(self._asking.values()):
            self._over(question, None)
        await self._pool.close()

    async def ask(self, request: Request) -> Reply:
        """The reply to a request: from the cache, from the same question already in flight, or from the teacher.

        Raises:
            TeacherError: refused, not understood, or out of reach after every attempt.
            FactoryError: the reply can't be stored.
        """
        waiter: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()

        def told(question: _Question) -> None:
            if waiter.done():
                return  # who stops waiting takes nothing from the others
            if isinstance(question.outcome, Exception):
                waiter.set_exception(question.outcome)
            elif question.outcome is not None:
                waiter.set_result(question.outcome)
            else:
                waiter.cancel()

        self._enter(request, told)
        return await waiter

    async def ask_all(self, requests: Sequence[Request], progress: Progress = silent) -> list[Reply | TeacherError]:
        """The replies in the requests' order; a request that failed leaves its error and costs no other its reply.

        Raises:
            FactoryError: replies can't be stored; what is in flight is given up.
        """
        found: dict[str, Reply | TeacherError] = {}
        arrived: asyncio.Queue[_Question] = asyncio.Queue()
        waiting = iter(requests)
        keys = [
            self._enter(request, arrived.put_nowait)
            for request in itertools.islice(waiting, _AHEAD * self._concurrency)
        ]
        for done in range(1, len(requests) + 1):
            question = await arrived.get()
            if question.outcome is None:
                raise asyncio.CancelledError
            if isinstance(question.outcome, Exception) and not isinstance(question.outcome, TeacherError):
                raise question.outcome
            found[question.key] = question.outcome
            progress(done, len(requests))
            keys += [self._enter(request, arrived.put_nowait) for request in itertools.islice(waiting, 1)]
        return [found[key] for key in keys]

    def _enter(self, request: Request, told: Callable[[_Question], None]) -> str:
        """Have a request answered; `told` is called from the event loop when it is over. Returns its key."""
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
        question.waiting.append(told)
        return key

    def _look_up(self) -> None:
        """Answer what the cache holds of the new questions, all looked up at once; workers ask the others."""
        new, self._new = self._new, []
        try:
            stored = self.cache.get_all([question.key for question in new])
            found = {key: Reply.restored(value, key) for key, value in stored.items()}
        except Exception as error:  # noqa: BLE001 - told to everyone who waits
            for question in new:
                self._over(question, error)
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
                question.outcome = await self._insist(question)
            except Exception as error:  # noqa: BLE001 - told to everyone who waits
                self._over(question, error)
            else:  # The next one is asked while this reply is written to disk.
                self._keeper.keep(question.outcome.entry(question.text))
        # At once, not when the task is seen to be done: what is asked in between would wait for a worker that is over.
        self._workers.discard(cast("asyncio.Task[None]", asyncio.current_task()))

    def _kept(self, entry: Entry, failure: Exception | None) -> None:
        """A reply is on disk, or can't be."""
        question = self._asking[entry.key]
        self._over(question, question.outcome if failure is None else failure)

    def _over(self, question: _Question, outcome: Reply | Exception | None) -> None:
        """A question's reply is on disk, or there is none."""
        del self._asking[question.key]
        question.outcome = outcome
        for told in question.waiting:
            told(question)

    async def _insist(self, question: _Question) -> Reply:
        """Try until there is a reply, the attempts are spent or every server has been gone or ill for too long."""
        attempts, refused, begun = 0, 0, 0.0
        while True:
            replica = await self._pool.take()
            try:
                return await self._attempt(replica, question)
            except NobodyThereError as nobody:
                self._pool.gone(replica, str(nobody))
            except BusyError as busy:
                if self._pool.busy():
                    raise too_often(self.endpoint.url, busy.what) from busy
                refused += 1
                await asyncio.sleep(max(busy.wait, self._delay(refused)))
            except FailedAttemptError as failure:
                attempts += 1
                begun = begun or time.monotonic()
                if attempts >= self._attempts and not self._pool.ill(begun):
                    raise gave_up(self.endpoint.url, failure.what, attempts) from failure
                await asyncio.sleep(self._delay(attempts) if failure.wait is None else failure.wait)
            finally:
                self._pool.give(replica)

    async def _attempt(self, replica: Replica, question: _Question) -> Reply:
        """Ask a server once; one that refuses what holds a reply to its form is asked without, and so from then on.

        Whoever reads a reply validates it in any case, but one without `structured_outputs` can't be had otherwise, and
        the first such question comes when all the writing has been paid for.
        """
        body = {
            name: one for name, one in question.request.body(self.endpoint.model).items() if name not in self._loose
        }
        held = HELD_BY & body.keys()
        try:
            return await attempt(self._pool, replica, orjson.dumps(body), question.key)
        except RefusedError as refusal:
            if not held or refusal.status not in (400, 422):
                raise
        free = {name: one for name, one in body.items() if name not in held}
        reply = await attempt(self._pool, replica, orjson.dumps(free), question.key)
        self._loose |= held
        return reply

    def _delay(self, times: int) -> float:
        """Seconds to wait after a request has failed so many times."""
        return min(_LONGEST, self._pause * 2.0 ** min(times - 1, 30)) * random.uniform(0.5, 1.0)
