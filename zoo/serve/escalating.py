"""A cascade behind a service: its specialist answers in the workers, and who waits for a fallback holds none."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from zoo.audit import AuditLog
from zoo.cascade import Cascade
from zoo.decision import Reason
from zoo.escalation import Outcome
from zoo.given import Given
from zoo.recorded import Recorded, record
from zoo.serve.batcher import Full
from zoo.serve.limits import Limits

T = TypeVar("T")
Guessed = Recorded[Any] | Given[Any]
"""A decision that is recorded, or a guess that is not sure."""
_RECORDING = 2  # threads: a log commits for one at a time, and another's texts are masked meanwhile
_SHARE = 0.1  # of a request's time, which is left to record what was decided
log = logging.getLogger("zoo.serve")


class _Threads:
    """So many threads of one's own; a call is handed over when one is free, so none waits in them.

    Attributes:
        waiting: texts that wait for one.
    """

    def __init__(self, count: int, name: str) -> None:
        self._executor, self._free = ThreadPoolExecutor(count, name), asyncio.Semaphore(count)
        self.waiting = 0

    async def take(self, until: float, texts: int = 1) -> None:
        """Wait for one, for so many texts; raises TimeoutError where none is free in time."""
        self.waiting += texts
        try:
            async with asyncio.timeout_at(until):
                await self._free.acquire()
        finally:
            self.waiting -= texts

    def give_back(self) -> None:
        """Leave the one that was taken to others."""
        self._free.release()

    async def run(self, until: float, call: Callable[..., T], *args: Any) -> asyncio.Future[T]:
        """What a call comes to, or has not come to in time, in the one that was taken; it is given back at its end."""
        loop = asyncio.get_running_loop()
        asked = loop.run_in_executor(self._executor, call, *args)
        asked.add_done_callback(lambda _: self.give_back())
        await asyncio.wait([asked], timeout=max(0.0, until - loop.time()))
        if not asked.done():
            asked.add_done_callback(_ended)
        return asked

    def close(self, *, wait: bool) -> None:
        """Begin nothing more, and wait for what is at work."""
        self._executor.shutdown(wait=wait, cancel_futures=True)


class Escalating:
    """Both halves of a cascade: guesses, batch by batch; and what becomes of those that are not sure, text by text.

    Args:
        cascade: as many questions are on their way at once as it says, a thread each.
        limits: `escalations` texts may wait for one of these threads. What finds no room, or no thread in time, is
            answered as it is (`fallback_busy`); what is not answered in time, too (`fallback_down`). So a slow fallback
            delays the texts that it is asked about, up to a request's time, and no others. As many texts as `queue`
            says may wait to be recorded.
        audit: where decisions are recorded before they are given out; None: nowhere.
    """

    def __init__(self, cascade: Cascade[Any], limits: Limits, audit: AuditLog | None) -> None:
        self.cascade, self._limits, self._audit = cascade, limits, audit
        self._asking = _Threads(cascade.tier.concurrency, "zoo-fallback")
        self._recording = _Threads(_RECORDING, "zoo-recording")

    @property
    def waiting(self) -> int:
        """Texts that wait for the fallback."""
        return self._asking.waiting

    def guess(self, texts: list[str]) -> list[Guessed]:
        """In a worker: the specialist's answers; those that it is sure of are recorded, in one commit."""
        guesses = self.cascade.guess(texts, scores=True)
        sure = [not self.cascade.doubts(guess) for guess in guesses]
        decided = [self.cascade.decide(guess, None) for guess, known in zip(guesses, sure, strict=True) if known]
        kept = iter(record(decided, [text for text, known in zip(texts, sure, strict=True) if known], self._audit))
        return [next(kept) if known else guess for guess, known in zip(guesses, sure, strict=True)]

    async def decide(self, texts: Sequence[str], guessed: Sequence[Guessed], until: float) -> list[Recorded[Any]]:
        """The decisions about a request's texts, by a time of the event loop's clock; recorded in one commit.

        Raises:
            Full: there was no room for them to be recorded, or they were not in time.
            Unrecorded, BrokenLog: they can't be recorded.
        """
        unsure = [(text, guess) for text, guess in zip(texts, guessed, strict=True) if isinstance(guess, Given)]
        if not unsure:
            return [one for one in guessed if isinstance(one, Recorded)]
        now = asyncio.get_running_loop().time()
        asked_until = until if self._audit is None else until - _SHARE * max(0.0, until - now)
        found = await asyncio.gather(*(self._outcome(text, asked_until) for text, _ in unsure))
        decided = [self.cascade.decide(guess, outcome) for (_, guess), outcome in zip(unsure, found, strict=True)]
        kept = iter(await self._record(decided, [text for text, _ in unsure], until))
        return [one if isinstance(one, Recorded) else next(kept) for one in guessed]

    def close(self) -> None:
        """Ask nobody any more; what is being asked ends by itself, as soon as its own time is up.

        What is being recorded is waited for.
        """
        self._asking.close(wait=False)
        self._recording.close(wait=True)

    async def _record(self, decided: Sequence[Given[Any]], texts: list[str], until: float) -> list[Recorded[Any]]:
        """In one commit; what is not given out in time may be in the log all the same."""
        if self._audit is None:
            return record(decided, texts, None)
        if self._recording.waiting + len(texts) > self._limits.queue:
            raise Full(1)
        try:
            await self._recording.take(until, len(texts))
        except TimeoutError:
            raise Full(1) from None
        kept = await self._recording.run(until, record, decided, texts, self._audit)
        if not kept.done():
            raise Full(1)
        return kept.result()

    async def _outcome(self, text: str, until: float) -> Outcome:
        loop = asyncio.get_running_loop()
        begun, tier = loop.time(), self.cascade.tier

        def none(reason: Reason, detail: str) -> Outcome:
            return Outcome(None, reason, tier.name, loop.time() - begun, detail)

        if known := tier.refusal():
            return known
        if self.waiting >= self._limits.escalations:
            return none("fallback_busy", f"{self.waiting} texts wait for it already")
        try:
            await self._asking.take(until)
        except TimeoutError:
            return none("fallback_busy", "it had too much to do to be asked in time")
        if known := tier.refusal():  # it may have failed meanwhile
            self._asking.give_back()
            return known
        asked = await self._asking.run(until, tier.answer, [text])
        if not asked.done():
            return none("fallback_down", "no answer within the time of the request")
        if error := asked.exception():
            log.error("%s failed: %s", tier.name, error, exc_info=error)
            return none("fallback_down", f"{type(error).__name__}")
        (outcome,) = asked.result()
        return outcome


def _ended(asked: asyncio.Future[Any]) -> None:
    """Nobody waits for it any more; what went wrong with it is told all the same."""
    if not asked.cancelled() and (error := asked.exception()):
        log.error("it failed when nobody waited for it any more: %s", error)
