"""A cascade behind a service: its specialist answers in the workers, and who waits for a fallback holds none."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from zoo.audit import AuditLog
from zoo.cascade import Cascade
from zoo.decision import Reason
from zoo.escalation import Outcome
from zoo.given import Given
from zoo.recorded import Recorded, record

Guessed = Recorded[Any] | Given[Any]
"""A decision that is recorded, or a guess that is not sure."""
log = logging.getLogger("zoo.serve")


class Escalating:
    """Both halves of a cascade: guesses, batch by batch; and what becomes of those that are not sure, text by text.

    Args:
        cascade: as many questions are on their way at once as it says, a thread each.
        room: texts that may wait for one of these threads. What finds no room, or no thread in time, is answered as it
            is (`fallback_busy`); what is not answered in time, too (`fallback_down`). So a slow fallback delays the
            texts that it is asked about, up to a request's time, and no others.
        audit: where decisions are recorded before they are given out; None: nowhere.
    """

    def __init__(self, cascade: Cascade[Any], room: int, audit: AuditLog | None) -> None:
        self.cascade, self._room, self._audit = cascade, room, audit
        self._threads = ThreadPoolExecutor(cascade.tier.concurrency, "zoo-fallback")
        self._free = asyncio.Semaphore(cascade.tier.concurrency)
        self.waiting = 0
        """Texts that wait for a thread."""

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
            Unrecorded, BrokenLog: they can't be recorded.
        """
        unsure = [(text, guess) for text, guess in zip(texts, guessed, strict=True) if isinstance(guess, Given)]
        if not unsure:
            return [one for one in guessed if isinstance(one, Recorded)]
        found = await asyncio.gather(*(self._outcome(text, until) for text, _ in unsure))
        decided = [self.cascade.decide(guess, outcome) for (_, guess), outcome in zip(unsure, found, strict=True)]
        asked = [text for text, _ in unsure]
        if self._audit is None:
            recorded = record(decided, asked, None)
        else:
            recorded = await asyncio.to_thread(record, decided, asked, self._audit)
        kept = iter(recorded)
        return [one if isinstance(one, Recorded) else next(kept) for one in guessed]

    def close(self) -> None:
        """Ask nobody any more; what is being asked ends by itself, as soon as its own time is up."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _outcome(self, text: str, until: float) -> Outcome:
        loop = asyncio.get_running_loop()
        begun, tier = loop.time(), self.cascade.tier

        def none(reason: Reason, detail: str) -> Outcome:
            return Outcome(None, reason, tier.name, loop.time() - begun, detail)

        if known := tier.refusal():
            return known
        if self.waiting >= self._room:
            return none("fallback_busy", f"{self.waiting} texts wait for it already")
        self.waiting += 1
        try:
            async with asyncio.timeout_at(until):
                await self._free.acquire()
        except TimeoutError:
            return none("fallback_busy", "it had too much to do to be asked in time")
        finally:
            self.waiting -= 1
        if known := tier.refusal():  # it may have failed meanwhile
            self._free.release()
            return known
        asked = loop.run_in_executor(self._threads, tier.answer, [text])
        asked.add_done_callback(lambda _: self._free.release())
        await asyncio.wait([asked], timeout=max(0.0, until - loop.time()))
        if not asked.done():
            asked.add_done_callback(_ended)
            return none("fallback_down", "no answer within the time of the request")
        if error := asked.exception():
            log.error("%s failed: %s", tier.name, error, exc_info=error)
            return none("fallback_down", f"{type(error).__name__}")
        (outcome,) = asked.result()
        return outcome


def _ended(asked: asyncio.Future[Any]) -> None:
    """Nobody waits for it any more; what went wrong with it is told all the same."""
    if not asked.cancelled() and (error := asked.exception()):
        log.error("a fallback failed: %s", error)
