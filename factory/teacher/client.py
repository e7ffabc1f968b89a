"""Ask a teacher many things at once, each of them once.

aiohttp, because httpx (which the openai package uses) rescans its pool on every request: measured at 64 at once, it
passed 35 requests a second where aiohttp passed 276.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
import random
from collections.abc import Sequence
from types import TracebackType
from typing import Any

import aiohttp

from factory.errors import TeacherError
from factory.files import canonical
from factory.progress import Progress, silent
from factory.teacher.cache import ReplyCache, key_of
from factory.teacher.chat import Endpoint, Reply, Request, printable
from factory.teacher.keeper import Keeper
from factory.teacher.pool import Pool, Replica, body, gave_up

__all__ = ["Endpoint", "Reply", "Request", "TeacherClient"]

LONGEST = 16 << 20
"""Bytes of one answer that are read, at most: a server that never ends must not fill the memory."""
_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
_JSON = {"Content-Type": "application/json"}


class _FailedAttemptError(Exception):
    """An attempt failed in a way that another may not.

    Args:
        what: for a person.
        wait: seconds the server asked for, or None.
    """

    def __init__(self, what: str, *, wait: float | None = None) -> None:
        super().__init__(what)
        self.what, self.wait = what, wait


class _NobodyThereError(Exception):
    """Nobody listened, so nothing was asked and no attempt was spent."""


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
        self._slots = asyncio.Semaphore(concurrency)
        self._asking: dict[str, asyncio.Task[Reply]] = {}
        self._open = False

    async def __aenter__(self) -> TeacherClient:
        await self._pool.open()
        self._open = True
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open = False
        for task in list(self._asking.values()):
            task.cancel()
        await self._keeper.close()
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
        task = self._asking.get(key)
        if task is None:
            stored = self.cache.get(key)
            if stored is not None:
                return Reply.restored(stored, key)
            task = asyncio.create_task(self._fetch(request, key, text))
            self._asking[key] = task
            task.add_done_callback(functools.partial(self._asked, key))
        return await asyncio.shield(task)  # whoever stops waiting doesn't take the reply from the others

    def _asked(self, key: str, task: asyncio.Task[Reply]) -> None:
        self._asking.pop(key, None)
        if not task.cancelled():
            task.exception()  # nobody may be waiting any more; asyncio would complain about an error never looked at

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

    async def _fetch(self, request: Request, key: str, text: str) -> Reply:
        async with self._slots:
            reply = await self._insist(request, key)
        await self._keeper.keep(reply.entry(text))
        return reply

    async def _insist(self, request: Request, key: str) -> Reply:
        """Try until there is a reply, the attempts are spent or every server has been gone for too long."""
        body, attempts = json.dumps(request.body(self.endpoint.model)).encode(), 0
        while True:
            replica = await self._pool.take()
            try:
                return await self._post(replica, body, key)
            except _NobodyThereError as nobody:
                self._pool.gone(replica, str(nobody))
            except _FailedAttemptError as failure:
                attempts += 1
                if attempts >= self._attempts:
                    raise gave_up(self.endpoint.url, failure.what, attempts) from failure
                delay = min(30.0, self._pause * 2 ** (attempts - 1)) * random.uniform(0.5, 1.0)
                await asyncio.sleep(delay if failure.wait is None else failure.wait)
            finally:
                self._pool.give(replica)

    async def _post(self, replica: Replica, data: bytes, key: str) -> Reply:
        url = f"{replica.url}/chat/completions"
        try:
            async with replica.session.post(url, data=data, headers=_JSON) as response:
                raw = await body(response, LONGEST)
        except TimeoutError as error:
            self._pool.failed(replica)
            raise _FailedAttemptError(f"It didn't answer within {self._timeout.total:.0f} s.") from error
        except aiohttp.ClientConnectorError as error:
            system = getattr(error, "os_error", None)  # a refused certificate has none
            raise _NobodyThereError(f"Nobody answers there ({getattr(system, 'strerror', None) or error}).") from error
        except aiohttp.InvalidURL as error:
            raise TeacherError("This isn't an address.", where=url, fix=_FIX_URL) from error
        except aiohttp.ClientError as error:
            self._pool.failed(replica)
            raise _FailedAttemptError(f"The connection broke ({type(error).__name__}).") from error
        if len(raw) > LONGEST:
            raise TeacherError(
                f"The teacher's answer is longer than {LONGEST >> 20} MiB.",
                where=url,
                fix="See what it sends; a reply of `max_tokens` tokens is far shorter.",
            )
        text, status = raw.decode(errors="replace"), response.status
        if status in _AGAIN:
            if status >= 500:
                self._pool.failed(replica)
            wait = _seconds(response.headers.get("Retry-After"))
            raise _FailedAttemptError(f"It answered {status}: {_message(text)}", wait=wait)
        self._pool.answered(replica)
        if status >= 400:
            raise self._refused(status, text, url)
        try:
            return Reply.from_openai(json.loads(text), key)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise TeacherError(
                f"The teacher's address answered {printable(response.content_type)} that is no chat completion"
                f" ({printable(str(error))}): {_message(text)}",
                where=url,
                fix=_FIX_URL,
            ) from error

    def _refused(self, status: int, text: str, url: str) -> TeacherError:
        fix = "See the server's log; the request itself isn't acceptable to it."
        if status in (401, 403):
            fix = "Set FACTORY_TEACHER_KEY to a key this server accepts."
        elif status == 404:
            fix = f"See that it serves the model {self.endpoint.model!r} (GET /v1/models) and that " + _FIX_URL.lower()
        return TeacherError(f"The teacher refused ({status}): {_message(text)}", where=url, fix=fix)


_FIX_URL = "FACTORY_TEACHER_URL is the address of an OpenAI-compatible server up to /v1: http://host:port/v1."


class _Together(asyncio.TaskGroup):
    """A TaskGroup that raises the first error itself, not a group of them."""

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            await super().__aexit__(kind, error, trace)
        except BaseExceptionGroup as group:
            raise group.exceptions[0] from None


def _seconds(header: str | None) -> float | None:
    """Retry-After in seconds (its date form counts as absent), at most five minutes."""
    with contextlib.suppress(TypeError, ValueError):
        return min(300.0, max(0.0, float(header)))  # type: ignore[arg-type]
    return None


def _message(text: str) -> str:
    """The human part of an error body, on one line, at most 200 characters."""
    found: Any = text
    with contextlib.suppress(ValueError, RecursionError):
        value = json.loads(text)
        if isinstance(value, dict):
            error = value.get("error", value)
            found = error.get("message", error) if isinstance(error, dict) else error
    return printable(str(found)) or "(nothing)"
