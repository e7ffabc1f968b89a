"""A budget's limits on what writing and judging spend: asked in order, stopped hard, everything kept."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from factory.budget import Budget, Prices
from factory.generate.pipeline import Answered
from factory.progress import Progress, silent
from factory.teacher.cache import ReplyCache
from factory.teacher.chat import Request, Teacher

CHARACTERS_A_TOKEN = 2.0
"""So few characters a prompt's token is reckoned to have before a server has counted it: hardly any text has fewer."""
NOT_ASKED = "not asked: stopped by "
TEMPLATE = 16  # tokens that a chat's own marks take
LOOK = 5.0  # seconds between two looks at what was spent


@dataclass(frozen=True)
class Spent:
    """What was spent.

    Attributes:
        read, written: tokens of prompts and of replies; replies that were in the cache count too.
        seconds: since the asking began in this process.
        stopped: the limit that was reached; empty: none.
        unasked: requests left when it was.
    """

    read: int = 0
    written: int = 0
    seconds: float = 0.0
    stopped: str = ""
    unasked: int = 0

    def __add__(self, other: Spent) -> Spent:
        return Spent(
            self.read + other.read,
            self.written + other.written,
            self.seconds + other.seconds,
            self.stopped or other.stopped,
            self.unasked + other.unasked,
        )


def _no_meter(name: str, unit: str) -> Progress:
    return silent


@dataclass(frozen=True)
class Limits:
    """What may be spent, as factory.budget.Budget says it; None: as much as it takes."""

    max_tokens: int | None = None
    max_cost: float | None = None
    max_time: float | None = None
    prices: Prices = field(default_factory=Prices)
    meter: Callable[[str, str], Progress] = _no_meter

    @classmethod
    def of(cls, budget: Budget, prices: Prices, meter: Callable[[str, str], Progress]) -> Limits:
        """A budget's limits, and where to tell how much of them is left."""
        return cls(budget.max_tokens, budget.max_cost, budget.max_time, prices, meter)

    @property
    def any(self) -> bool:
        """Whether there is a limit at all."""
        return (self.max_tokens, self.max_cost, self.max_time) != (None, None, None)

    def identity(self) -> dict[str, Any]:
        """What of it an output depends on; empty without limits."""
        said = {"max_tokens": self.max_tokens, "max_cost": self.max_cost, "max_time": self.max_time}
        priced = {"prices": self.prices.model_dump()} if self.max_cost is not None else {}
        return {name: value for name, value in said.items() if value is not None} | priced

    def reached(self, spent: Spent, *, read: int = 0, written: int = 0) -> str:
        """The limit that is passed by what was spent and so many tokens more; empty: none."""
        read, written = spent.read + read, spent.written + written
        if self.max_tokens is not None and read + written > self.max_tokens:
            return "max_tokens"
        if self.max_cost is not None and self.prices.dollars(read, written) > self.max_cost:
            return "max_cost"
        if self.max_time is not None and spent.seconds >= 60 * self.max_time:
            return "max_time"
        return ""

    def share(self, spent: Spent, parts: int) -> Limits:
        """An even part of what is left, for the first of so many that are still to spend it."""
        if parts == 1:
            return self

        def part(limit: float | None, used: float) -> float | None:
            return None if limit is None else used + max(0.0, limit - used) / parts

        tokens = part(self.max_tokens, spent.read + spent.written)
        cost = part(self.max_cost, self.prices.dollars(spent.read, spent.written))
        minutes = part(self.max_time, spent.seconds / 60)
        return replace(self, max_tokens=None if tokens is None else int(tokens), max_cost=cost, max_time=minutes)

    def tell(self, name: str) -> Callable[[Spent], None]:
        """A listener that tells how much of each limit is used up, and so when it will be."""
        tokens = self.meter(f"{name}: budget", "tokens") if self.max_tokens is not None else silent
        cost = self.meter(f"{name}: budget", "cents") if self.max_cost is not None else silent
        clock = self.meter(f"{name}: budget", "seconds") if self.max_time is not None else silent

        def listen(spent: Spent) -> None:
            tokens(spent.read + spent.written, self.max_tokens or 0)
            cost(int(100 * self.prices.dollars(spent.read, spent.written)), int(100 * (self.max_cost or 0)))
            clock(int(spent.seconds), int(60 * (self.max_time or 0)))

        return listen


NO_LIMITS = Limits()


class _OutOfTimeError(Exception):
    """Raised through a progress listener, to stop asking in the middle."""


def within(
    limits: Limits,
    ask: Callable[..., list[Answered]],
    name: str,
    requests: Sequence[Request],
    teacher: Teacher,
    cache: Path,
    concurrency: int,
    progress: Progress = silent,
    before: Spent | None = None,
) -> tuple[list[Answered], Spent]:
    """Ask requests in order until a limit is reached; answers in the requests' order, and what they cost.

    Requests go out in portions: as many as fit if every reply is as long as it may be. What they really cost is known
    when a portion is answered, and the next one follows. So tokens and cost never pass their limit, what is asked
    depends on requests and replies alone, and less than one request's worth stays unspent. `max_time` interrupts a
    portion; replies that came by then count.

    Args:
        limits: what may be spent; without any, everything is asked at once.
        ask: as factory.generate.pipeline.ask, which must let an error pass that its progress listener raises.
        name: what is asked, for people.
        requests, teacher, cache, concurrency, progress: as for `ask`.
        before: what was spent earlier under the same limits.
    """
    if not limits.any:
        return ask(name, requests, teacher, cache, concurrency, progress), Spent()
    if limits.max_time is not None:
        teacher.reach()  # a start takes a minute of its own, which nobody has allowed it out of max_time
    return _Purse(limits, name, requests, teacher, cache, before or Spent()).spend(ask, concurrency, progress)


class _Purse:
    """One list of requests under limits."""

    def __init__(
        self, limits: Limits, name: str, requests: Sequence[Request], teacher: Teacher, cache: Path, before: Spent
    ) -> None:
        self.limits, self.name, self.requests, self.teacher = limits, name, requests, teacher
        self.cache, self.before = cache, before
        self.keys = [request.cache_key(teacher.identity) for request in requests]
        self.begun = time.monotonic()
        self.tell = limits.tell(name)

    def spend(
        self, ask: Callable[..., list[Answered]], concurrency: int, progress: Progress
    ) -> tuple[list[Answered], Spent]:
        answers: list[Answered] = []
        stopped = ""
        while len(answers) < len(self.requests):
            spent = self._spent(len(answers))
            end, stopped = self._portion(len(answers), spent)
            if end == len(answers):
                break
            try:
                # With all earlier ones, which the cache answers: `ask` judges by the share that is lost of the whole.
                answers = ask(
                    self.name,
                    self.requests[:end],
                    self.teacher,
                    self.cache,
                    concurrency,
                    self._watch(progress, len(answers), end),
                )
            except _OutOfTimeError:
                answers, stopped = self._found(end), "max_time"
                break
            stopped = ""
        spent = self._spent(len(answers))
        self.tell(self.before + spent)
        late = [Answered(None, None, key, f"{NOT_ASKED}{stopped}") for key in self.keys[len(answers) :]]
        unasked = sum(answer.error.startswith(NOT_ASKED) for answer in (*answers, *late))
        return answers + late, Spent(spent.read, spent.written, spent.seconds, stopped, unasked)

    def _portion(self, start: int, spent: Spent) -> tuple[int, str]:
        """Up to which request may be asked, and the limit that ends it there."""
        read = written = 0
        for place in range(start, len(self.requests)):
            request = self.requests[place]
            characters = sum(len(message["content"]) for message in request.messages)
            read += int(characters / CHARACTERS_A_TOKEN) + TEMPLATE
            written += request.max_tokens
            if stopped := self.limits.reached(self.before + spent, read=read, written=written):
                return place, stopped
        return len(self.requests), ""

    def _watch(self, progress: Progress, start: int, end: int) -> Progress:
        looked = time.monotonic()

        def listen(done: int, total: int) -> None:
            nonlocal looked
            progress(done, len(self.requests))
            if time.monotonic() - looked > LOOK:
                looked = time.monotonic()
                self.tell(self.before + self._spent(end))
            timed = self.before + Spent(seconds=time.monotonic() - self.begun)
            if done < total and self.limits.reached(Spent(seconds=timed.seconds)) == "max_time":
                raise _OutOfTimeError

        return listen

    def _spent(self, end: int) -> Spent:
        """The cost of the replies there are to the first requests."""
        store = ReplyCache(self.cache)
        try:
            read, written = store.paid(self.keys[:end])
        finally:
            store.close()
        return Spent(read, written, time.monotonic() - self.begun)

    def _found(self, end: int) -> list[Answered]:
        """The replies that came before time was up."""
        store = ReplyCache(self.cache)
        try:
            stored = store.get_all(self.keys[:end])
        finally:
            store.close()
        return [
            Answered(reply["text"], reply["top_logprobs"], key)
            if (reply := stored.get(key))
            else Answered(None, None, key, f"{NOT_ASKED}max_time")
            for key in self.keys[:end]
        ]
