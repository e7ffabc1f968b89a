"""Asking the next tier: what became of every text, whatever becomes of the tier."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

from zoo.breaker import Breaker
from zoo.budget import Budget
from zoo.decision import Content, Decision, Reason
from zoo.endpoint import Endpoint
from zoo.errors import BadInput, Unanswered, ZooError
from zoo.kinds import Kind, Unusable
from zoo.question import Question


class Outcome(NamedTuple):
    """What became of a text that was passed on.

    Attributes:
        content: what the tier says; None: nothing that can be used.
        reason: `unsure_escalated` where that is an answer; else why it is none, or no sure one.
        tier: who said it.
        seconds: from the text's turn to its answer, waits between attempts included.
        detail: what went wrong, for people.
    """

    content: Content | None
    reason: Reason
    tier: str
    seconds: float
    detail: str = ""


_Found = tuple[Content | None, Reason, str]
"""Content, reason and detail of an Outcome."""


class Tier(Protocol):
    """Whom unsure texts are passed on to."""

    name: str
    concurrency: int
    """Texts that it is asked about at once, at most."""

    def refusal(self) -> Outcome | None:
        """What becomes of any text just now, where that is known without asking; None: it is to be asked."""
        ...

    def answer(self, texts: list[str]) -> list[Outcome]:
        """An outcome for each text, in order; raises nothing on account of a text, or of whom it asks."""
        ...


class Said(NamedTuple):
    """What somebody far away replied.

    Attributes:
        content: None: nothing that can be used.
        why: it can't.
        cost: None: not known.
    """

    content: Content | None
    why: str
    cost: float | None


class Remote:
    """A tier that may be slow, dear, wrong or away: an endpoint, or a function of the application's.

    Args:
        name: what decisions call it.
        ask: a text to what was said; raises Unanswered.
        most: a text to the most that asking can cost.
        budget: what may be spent; attempts that fail count.
        breaker: leaves it alone when it is down.
        retries: how often a question is asked again that was not answered.
        wait: seconds before the first retry; twice as long before each further one.
        concurrency: questions on their way at once, from all threads together.
    """

    def __init__(
        self,
        name: str,
        ask: Callable[[str], Said],
        most: Callable[[str], float],
        *,
        budget: Budget,
        breaker: Breaker,
        retries: int,
        wait: float,
        concurrency: int,
    ) -> None:
        self.name, self._ask, self._most = name, ask, most
        self._budget, self._breaker = budget, breaker
        for what, value, least in (("retries", retries, 0), ("concurrency", concurrency, 1)):
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise BadInput(f"{what} must be a whole number from {least}, not {value!r}.")
        if not 0 <= wait < float("inf"):
            raise BadInput(f"wait must be seconds from 0, not {wait!r}.")
        self._retries, self._wait, self.concurrency = retries, wait, concurrency
        self._turns = threading.Semaphore(concurrency)

    def refusal(self) -> Outcome | None:
        """See Tier."""
        if self._breaker.state != "open":
            return None
        content, reason, detail = self._left_alone()
        return Outcome(content, reason, self.name, 0.0, detail)

    def answer(self, texts: list[str]) -> list[Outcome]:
        """See Tier."""
        if len(texts) == 1:
            return [self._one(texts[0])]
        from concurrent.futures import ThreadPoolExecutor

        pool = ThreadPoolExecutor(min(self.concurrency, max(1, len(texts))), "zoo-cascade")
        try:
            return list(pool.map(self._one, texts))
        finally:
            pool.shutdown(cancel_futures=True)  # who interrupts a batch does not wait for the rest of it

    def _one(self, text: str) -> Outcome:
        with self._turns:
            begun = time.perf_counter()
            content, reason, detail = self._tried(text)
            return Outcome(content, reason, self.name, time.perf_counter() - begun, detail)

    def _tried(self, text: str) -> _Found:
        """What became of it after as many attempts as there may be."""
        most = self._most(text)
        found = self._attempt(text, most)
        for retry in range(self._retries):
            if not isinstance(found, Unanswered) or not found.again:
                break
            time.sleep(max(found.after, self._wait * 2**retry))
            further = self._attempt(text, most)
            if not isinstance(further, Unanswered) and further[1] in ("circuit_open", "budget_spent"):
                break  # why the attempt before failed says more than that there is no further one
            found = further
        return (None, found.reason, found.what) if isinstance(found, Unanswered) else found

    def _left_alone(self) -> _Found:
        return None, "circuit_open", f"{self.name} has failed too often, and is left alone for a while"

    def _attempt(self, text: str, most: float) -> _Found | Unanswered:
        ticket = self._breaker.enter()
        if ticket is None:
            return self._left_alone()
        if not self._budget.take(most):
            self._breaker.leave(ticket, None)
            return None, "budget_spent", "no more may be asked of it"
        good: bool | None = False
        cost = most
        try:
            said = self._ask(text)
            good, cost = True, most if said.cost is None else said.cost
        except Unanswered as error:
            good, cost = False if error.down else None, most if error.billed else 0.0
            return error
        finally:
            self._breaker.leave(ticket, good)
            self._budget.settle(most, cost)
        if said.content is None:
            return None, "fallback_invalid", said.why
        return said.content, "unsure_escalated", ""


class Local:
    """A tier that runs here: a larger specialist, or a cascade of its own.

    Args:
        model: a specialist, or a zoo.Cascade.
        kind: of its answers.
        name: what decisions call it.
        concurrency: texts that it is asked about at once, at most, by who asks one by one.
    """

    def __init__(self, model: Any, kind: Kind[Any], name: str, concurrency: int) -> None:
        self.name, self._model, self._kind, self.concurrency = name, model, kind, concurrency

    def refusal(self) -> None:
        """See Tier."""

    def answer(self, texts: list[str]) -> list[Outcome]:
        """See Tier."""
        begun = time.perf_counter()
        try:
            given = self._model.predict(texts)
        except ZooError as error:
            if len(texts) > 1:  # one that it can't read must not cost the others their answers
                return [outcome for text in texts for outcome in self.answer([text])]
            return [Outcome(None, "fallback_refused", self.name, time.perf_counter() - begun, error.what)]
        share = (time.perf_counter() - begun) / max(1, len(texts))
        return [self._outcome(one, share) for one in given]

    def _outcome(self, one: Any, share: float) -> Outcome:
        content = self._kind.held(one)
        if isinstance(one, Decision):
            reason: Reason = one.reason if one.unsure else "unsure_escalated"
            return Outcome(content, reason, one.tier, one.seconds, one.detail)
        reason = "fallback_unsure" if self._kind.unsure(one) else "unsure_escalated"
        return Outcome(content, reason, self.name, share)


def of_endpoint(
    endpoint: Endpoint, question: Callable[[str], Question], kind: Kind[Any]
) -> tuple[Callable[[str], Said], Callable[[str], float]]:
    """How an endpoint is asked what is to be asked about a text, and the most that it costs, as Remote takes them."""

    def ask(text: str) -> Said:
        reply = endpoint.ask(question(text), text)
        try:
            return Said(kind.read(text, reply.text), "", reply.cost)
        except Unusable as error:
            return Said(None, str(error), reply.cost)

    return ask, lambda text: endpoint.most(question(text), text)


def of_function(
    function: Callable[[str], Any], kind: Kind[Any]
) -> tuple[Callable[[str], Said], Callable[[str], float]]:
    """How a function is asked, and that it costs nothing, as Remote takes them. Whatever it raises is no answer."""

    def ask(text: str) -> Said:
        try:
            return Said(kind.take(text, function(text)), "", 0.0)
        except Unusable as error:
            return Said(None, str(error), 0.0)
        except Exception as error:  # whatever the application's code may raise
            said = f"{type(error).__name__}: {error}"
            raise Unanswered(said, reason="fallback_down", again=True) from error

    return ask, lambda text: 0.0
