"""The servers behind one teacher: which to ask next, which is down, and when it is back."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

import aiohttp

from factory.errors import TeacherError
from factory.teacher.chat import Endpoint

_PROBE = aiohttp.ClientTimeout(total=5.0)
_LISTED = 1 << 20  # bytes of a list of models, at most
_REST = 30.0  # seconds a failing server is spared, at most


@dataclass
class Replica:
    """One server.

    Attributes:
        url: its address up to `/v1`.
        session: connections to it.
        in_flight: requests it has not answered yet.
        down: nobody listens there, or somebody else does; nothing is asked until its health is back.
        failures: how often it has failed since it last answered.
        rests: until when (time.monotonic) others are asked rather than it.
    """

    url: str
    session: aiohttp.ClientSession
    in_flight: int = 0
    down: bool = False
    failures: int = 0
    rests: float = 0.0


class Pool:
    """The replicas of an endpoint; open and close it in the event loop that asks.

    Args:
        endpoint: the teacher; it may name several addresses, which serve the same model.
        timeout: for one attempt.
        patience: seconds to wait for servers that were there and are all gone, or that all limit how often they may be
            asked.
        greeting: the same where none was ever seen: the addresses may be wrong.
        forbearance: seconds for which servers that gave replies and now only fail are thought to be ill.
        pause: seconds after a first failure; looking whether a server is back takes up to four of them.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        timeout: aiohttp.ClientTimeout,
        *,
        patience: float,
        greeting: float,
        forbearance: float,
        pause: float,
    ) -> None:
        self.endpoint, self._timeout = endpoint, timeout
        self._patience, self._greeting, self._forbearance, self._pause = patience, greeting, forbearance, pause
        self._replicas: list[Replica] = []
        self._watchers: set[asyncio.Task[None]] = set()
        self._back = asyncio.Event()
        self._seen, self._gone_since, self._why = False, 0.0, ""
        self._replied: float | None = None  # when the last reply came
        self._busy_since: float | None = None  # when one first limited how often it is asked, since then

    async def open(self) -> None:
        """Make ready; nothing is connected before it is asked."""
        headers = {"Authorization": f"Bearer {self.endpoint.key}"} if self.endpoint.key else None
        for url in self.endpoint.urls:
            local = urlsplit(url).hostname in ("127.0.0.1", "localhost", "::1")
            session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0),  # whoever asks bounds what is in flight
                timeout=self._timeout,
                headers=headers,
                trust_env=not local,  # a proxy is no way to one's own machine
            )
            self._replicas.append(Replica(url, session))

    async def close(self) -> None:
        """End connections and looking after servers."""
        for watcher in list(self._watchers):
            watcher.cancel()
        for replica in self._replicas:
            await replica.session.close()
        self._replicas.clear()

    async def take(self) -> Replica:
        """The server with the least to do, waiting for one to be back if all are down; `give` it back after use.

        Raises:
            TeacherError: all have been down for too long.
        """
        while not (up := [replica for replica in self._replicas if not replica.down]):
            left = self._gone_since + (self._patience if self._seen else self._greeting) - time.monotonic()
            if left <= 0:
                raise gave_up(self.endpoint.url, self._why)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._back.wait(), left)
        if len(up) > 1:
            now = time.monotonic()
            up = [replica for replica in up if replica.rests <= now] or up
            up.sort(key=lambda replica: replica.in_flight)
        up[0].in_flight += 1
        return up[0]

    def give(self, replica: Replica) -> None:
        """Say that a request to it is over, well or not."""
        replica.in_flight -= 1

    def answered(self, replica: Replica) -> None:
        """Say that it answered something, if only a refusal."""
        self._seen, replica.failures, replica.rests = True, 0, 0.0

    def replied(self, replica: Replica) -> None:
        """Say that it gave a reply."""
        self.answered(replica)
        self._replied, self._busy_since = time.monotonic(), None

    def busy(self) -> bool:
        """Say that one limits how often it may be asked; whether nobody has had a reply for all of the patience since.

        While some get replies the others' turn comes: a limit is so much a minute, whoever asks.
        """
        self._busy_since = self._busy_since or time.monotonic()
        return time.monotonic() - self._busy_since > self._patience

    @property
    def known(self) -> bool:
        """Whether a reply ever came: the address is a teacher's, whatever it answers now."""
        return self._replied is not None

    def ill(self, since: float) -> bool:
        """Whether the servers, and not what they are asked, are what fails: known, yet nobody got a reply since then.

        After the forbearance they are not thought ill any more, but broken.
        """
        return self._replied is not None and self._replied < since and time.monotonic() - since < self._forbearance

    def failed(self, replica: Replica) -> None:
        """Say that it failed a request: others are asked first for a while, for failing is quickly done."""
        replica.failures += 1
        replica.rests = time.monotonic() + min(_REST, self._pause * 2 ** min(replica.failures, 10))

    def gone(self, replica: Replica, why: str) -> None:
        """Say that nobody listens there: it is left alone until its health is back."""
        self._why = why
        if replica.down:
            return
        replica.down = True
        if all(other.down for other in self._replicas):
            self._gone_since = time.monotonic()
            self._back.clear()
        watcher = asyncio.create_task(self._watch(replica))
        self._watchers.add(watcher)
        watcher.add_done_callback(self._watchers.discard)

    async def _watch(self, replica: Replica) -> None:
        """Look until it is back."""
        while replica.down:
            await asyncio.sleep(min(2.0, 4 * self._pause) * random.uniform(0.5, 1.0))
            with contextlib.suppress(aiohttp.ClientError, TimeoutError, OSError):
                if await self._well(replica):
                    replica.down = False
                    self.answered(replica)
                    self._back.set()

    async def _well(self, replica: Replica) -> bool:
        """Whether it answers and does not serve another model. A server need not list what it serves."""
        async with replica.session.get(f"{replica.url}/models", timeout=_PROBE) as response:
            if response.status >= 500:
                return False
            text = await body(response, _LISTED)
        try:
            served = [str(item["id"]) for item in json.loads(text)["data"]]
        except (ValueError, KeyError, TypeError, RecursionError):
            return True
        self._why = f"{replica.url} serves {', '.join(served)[:100]}, not {self.endpoint.model}."
        return self.endpoint.model in served


async def body(response: aiohttp.ClientResponse, limit: int) -> bytes:
    """A response's body; of one that is longer than `limit` bytes the first `limit` and a few more."""
    parts: list[bytes] = []
    size = 0
    while part := await response.content.readany():
        parts.append(part)
        size += len(part)
        if size > limit:
            response.close()  # the rest is not read, nor the connection used again
            break
    return parts[0] if len(parts) == 1 else b"".join(parts)


def gave_up(where: str, why: str, attempts: int = 0) -> TeacherError:
    """The error of a request that nobody answered."""
    tried = f" Tried {attempts} times." if attempts > 1 else ""
    return TeacherError(
        f"The teacher can't be reached. {why}{tried}",
        where=where,
        fix="See that the server runs, then run the same command again; no reply that came is asked for again.",
    )


def too_often(where: str, why: str) -> TeacherError:
    """The error of a request that no server would take, because of its limits."""
    return TeacherError(
        f"The teacher limits how often it may be asked (429): {why}",
        where=where,
        fix="Lower `teacher.concurrency` in the spec, or see what the account may still spend. Then run the same "
        "command again; no reply that came is asked for again.",
    )
