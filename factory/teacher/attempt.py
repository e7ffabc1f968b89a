"""One attempt to have a question answered: the reply, or why there is none and whether another attempt may help."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import aiohttp
import orjson

from factory.errors import TeacherError
from factory.teacher.chat import Reply, printable
from factory.teacher.pool import Pool, Replica, body

LONGEST = 16 << 20
"""Bytes of one answer that are read, at most: a server that never ends must not fill the memory."""
_BUSY = 429
_AGAIN = frozenset({408, 425, 500, 502, 503, 504})
_FIX_URL = "FACTORY_TEACHER_URL is the address of an OpenAI-compatible server up to /v1: http://host:port/v1."


class FailedAttemptError(Exception):
    """An attempt failed in a way that another may not.

    Args:
        what: for a person.
        wait: seconds the server asked for, or None.
    """

    def __init__(self, what: str, *, wait: float | None = None) -> None:
        super().__init__(what)
        self.what, self.wait = what, wait


class RefusedError(TeacherError):
    """The request isn't acceptable to the server: the same request never will be.

    Args:
        what, where, fix: as a TeacherError's.
        status: the HTTP status; 0: not known any more, in another process.
    """

    def __init__(self, what: str, *, where: str = "", fix: str = "", status: int = 0) -> None:
        super().__init__(what, where=where, fix=fix)
        self.status = status


class BusyError(Exception):
    """The server limits how often it may be asked, so nothing was answered and no attempt was spent.

    Args:
        what: for a person.
        wait: seconds the server asked for; 0: it named none.
    """

    def __init__(self, what: str, wait: float) -> None:
        super().__init__(what)
        self.what, self.wait = what, wait


class NobodyThereError(Exception):
    """Nobody listened, so nothing was asked and no attempt was spent."""


async def attempt(pool: Pool, replica: Replica, data: bytes, key: str) -> Reply:
    """Post a chat request to a server and read what it answers.

    Args:
        pool: told how the server did.
        replica: the server.
        data: the request's body, JSON.
        key: where the cache will hold the reply.

    Raises:
        FailedAttemptError: another attempt may do better.
        BusyError: it may be asked again later.
        NobodyThereError: nothing was asked.
        RefusedError: refused; the same question would be again.
        TeacherError: not understood; asking again would not help.
    """
    url = f"{replica.url}/chat/completions"
    try:
        # Given as bytes, aiohttp would look up what to do with it, and take twice as long.
        asked = aiohttp.BytesPayload(data, content_type="application/json")
        async with replica.session.post(url, data=asked) as response:
            raw = await body(response, LONGEST)
    except aiohttp.ConnectionTimeoutError as error:  # a TimeoutError, too, but nothing was asked: packets are dropped
        raise NobodyThereError("Nobody answers there (no connection in time).") from error
    except TimeoutError as error:
        pool.failed(replica)
        raise FailedAttemptError(f"It didn't answer within {replica.session.timeout.total:.0f} s.") from error
    except aiohttp.ClientConnectorError as error:
        system = getattr(error, "os_error", None)  # a refused certificate has none
        raise NobodyThereError(f"Nobody answers there ({getattr(system, 'strerror', None) or error}).") from error
    except aiohttp.InvalidURL as error:
        raise TeacherError("This isn't an address.", where=url, fix=_FIX_URL) from error
    except aiohttp.ClientError as error:
        pool.failed(replica)
        raise FailedAttemptError(f"The connection broke ({type(error).__name__}).") from error
    if len(raw) > LONGEST:
        raise TeacherError(
            f"The teacher's answer is longer than {LONGEST >> 20} MiB.",
            where=url,
            fix="See what it sends; a reply of `max_tokens` tokens is far shorter.",
        )
    status = response.status
    if status == _BUSY:
        raise BusyError(_message(raw), _seconds(response.headers.get("Retry-After")) or 0.0)
    if status in _AGAIN:
        if status >= 500:
            pool.failed(replica)
        wait = _seconds(response.headers.get("Retry-After"))
        raise FailedAttemptError(f"It answered {status}: {_message(raw)}", wait=wait)
    if status >= 400:
        pool.answered(replica)
        raise _refused(status, _message(raw), url, pool.endpoint.model)
    try:
        reply = Reply.from_openai(_parsed(raw), key)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        pool.failed(replica)
        what = (
            f"The teacher's address answered {printable(response.content_type)} that is no chat completion"
            f" ({printable(str(error))}): {_message(raw)}"
        )
        if pool.known:  # a proxy's page in front of a server that restarts, say
            raise FailedAttemptError(what) from error
        raise TeacherError(what, where=url, fix=_FIX_URL) from error
    pool.replied(replica)
    return reply


def _parsed(raw: bytes) -> Any:
    """JSON, also such as orjson refuses: infinite numbers, lone surrogates, bytes that are not UTF-8."""
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:
        return json.loads(raw.decode(errors="replace"))


def _refused(status: int, message: str, url: str, model: str) -> RefusedError:
    fix = "See the server's log; the request itself isn't acceptable to it."
    if status in (401, 403):
        fix = "Set FACTORY_TEACHER_KEY to a key this server accepts."
    elif status == 404:
        fix = f"See that it serves the model {model!r} (GET /v1/models). {_FIX_URL}"
    return RefusedError(f"The teacher refused ({status}): {message}", where=url, fix=fix, status=status)


def _seconds(header: str | None) -> float | None:
    """Retry-After in seconds (its date form counts as absent), at most five minutes."""
    with contextlib.suppress(TypeError, ValueError):
        return min(300.0, max(0.0, float(header)))  # type: ignore[arg-type]
    return None


def _message(raw: bytes) -> str:
    """The human part of an error body, on one line, at most 200 characters."""
    text = raw.decode(errors="replace")
    found: Any = text
    with contextlib.suppress(ValueError, RecursionError):
        value = json.loads(text)
        if isinstance(value, dict):
            error = value.get("error", value)
            found = error.get("message", error) if isinstance(error, dict) else error
    return printable(str(found)) or "(nothing)"
