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
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from factory.errors import TeacherError
from factory.progress import Progress, silent
from factory.teacher.cache import ReplyCache
from factory.teacher.chat import Endpoint, Reply, Request

__all__ = ["Endpoint", "Reply", "Request", "TeacherClient"]

_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})


class _FailedAttemptError(Exception):
    """An attempt failed in a way that another may not.

    Args:
        what: for a person.
        wait: seconds the server asked for, or None.
        down: nobody listened, so nothing was asked and no attempt was spent.
    """

    def __init__(self, what: str, *, wait: float | None = None, down: bool = False) -> None:
        super().__init__(what)
        self.what, self.wait, self.down = what, wait, down


class TeacherClient:
    """An OpenAI-compatible endpoint behind a cache; use as `async with`.

    Args:
        endpoint: whom to ask.
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
        self._attempts, self._patience, self._greeting, self._pause = attempts, patience, greeting, pause
        self._timeout = aiohttp.ClientTimeout(total=timeout, sock_connect=30.0)
        self._slots = asyncio.Semaphore(concurrency)
        self._asking: dict[str, asyncio.Task[Reply]] = {}
        self._seen = False
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> TeacherClient:
        headers = {"Authorization": f"Bearer {self.endpoint.key}"} if self.endpoint.key else {}
        local = urlsplit(self.endpoint.url).hostname in ("127.0.0.1", "localhost", "::1")
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0),  # the semaphore is the limit
            timeout=self._timeout,
            headers=headers,
            trust_env=not local,  # a proxy is no way to one's own machine
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in list(self._asking.values()):
            task.cancel()
        if self._session is not None:
            await self._session.close()

    async def ask(self, request: Request) -> Reply:
        """The reply to a request: from the cache, from the same question already in flight, or from the teacher.

        Raises:
            TeacherError: refused, not understood, or out of reach after every attempt.
            FactoryError: the reply can't be stored.
        """
        key = request.cache_key(self.endpoint.identity)
        stored = self.cache.get(key)
        if stored is not None:
            return Reply.restored(stored, key)
        task = self._asking.get(key)
        if task is None:
            task = asyncio.create_task(self._fetch(request, key))
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

        async def one(request: Request) -> Reply | TeacherError:
            nonlocal done
            try:
                return await self.ask(request)
            except TeacherError as error:
                return error
            finally:
                done += 1
                progress(done, len(requests))

        async with _Together() as group:
            tasks = [group.create_task(one(request)) for request in requests]
        return [task.result() for task in tasks]

    async def _fetch(self, request: Request, key: str) -> Reply:
        async with self._slots:
            reply = await self._insist(request, key)
            self.cache.put(
                request.canonical(self.endpoint.identity), reply.stored(), reply.prompt_tokens, reply.completion_tokens
            )
            return reply

    async def _insist(self, request: Request, key: str) -> Reply:
        """Try until there is a reply, the attempts are spent or the server has been gone for too long."""
        attempts, gone_since = 0, None
        while True:
            try:
                return await self._post(request, key)
            except _FailedAttemptError as failure:
                if failure.down:
                    gone_since = gone_since or time.monotonic()
                    limit = self._patience if self._seen else self._greeting
                    given_up = time.monotonic() - gone_since > limit
                    delay = min(2.0, 4 * self._pause)
                else:
                    attempts, gone_since = attempts + 1, None
                    given_up = attempts >= self._attempts
                    delay = min(30.0, self._pause * 2 ** (attempts - 1))
                if given_up:
                    raise self._gave_up(failure, attempts) from failure
                await asyncio.sleep(failure.wait if failure.wait is not None else delay * random.uniform(0.5, 1.0))

    async def _post(self, request: Request, key: str) -> Reply:
        if self._session is None:
            raise RuntimeError("TeacherClient is used as `async with TeacherClient(...) as client`")
        url = f"{self.endpoint.url.rstrip('/')}/chat/completions"
        try:
            async with self._session.post(url, json=request.body(self.endpoint.model)) as response:
                status, kind = response.status, response.content_type
                wait = _seconds(response.headers.get("Retry-After"))
                text = await response.text(errors="replace")
        except TimeoutError as error:
            raise _FailedAttemptError(f"It didn't answer within {self._timeout.total:.0f} s.") from error
        except aiohttp.ClientConnectorError as error:
            raise _FailedAttemptError(
                f"Nobody answers there ({error.os_error.strerror or error}).", down=True
            ) from error
        except aiohttp.InvalidURL as error:
            raise TeacherError("This isn't an address.", where=url, fix=_FIX_URL) from error
        except aiohttp.ClientError as error:
            raise _FailedAttemptError(f"The connection broke ({type(error).__name__}).") from error
        self._seen = True
        if status in _AGAIN:
            raise _FailedAttemptError(f"It answered {status}: {_message(text)}", wait=wait)
        if status >= 400:
            raise self._refused(status, text, url)
        try:
            return Reply.from_openai(json.loads(text), key)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise TeacherError(
                f"The teacher's address answered {kind} that is no chat completion ({error}): {_message(text)}",
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

    def _gave_up(self, failure: _FailedAttemptError, attempts: int) -> TeacherError:
        tried = f" Tried {attempts} times." if attempts > 1 else ""
        return TeacherError(
            f"The teacher can't be reached. {failure.what}{tried}",
            where=self.endpoint.url,
            fix="See that the server runs, then run the same command again; no reply that came is asked for again.",
        )


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
    with contextlib.suppress(ValueError):
        value = json.loads(text)
        if isinstance(value, dict):
            error = value.get("error", value)
            found = error.get("message", error) if isinstance(error, dict) else error
    return " ".join(str(found).split())[:200] or "(nothing)"
