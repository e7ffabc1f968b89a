"""A circuit breaker: who does not answer is left alone for a while, and then tried with one question."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Literal

from zoo.errors import BadInput

State = Literal["closed", "open", "half-open"]


class Breaker:
    """Opens after so many failures in a row; after a pause lets one question through, and closes if that is answered.

    After Nygard, Release It! (2007). Safe to use from several threads at once: of those that wait for an open breaker
    one alone makes the trial, and what was asked before a breaker opened says nothing about it when it comes back late.

    Args:
        failures: how many in a row open it.
        pause: seconds it stays open before a trial.
        clock: seconds that only grow.
    """

    def __init__(self, failures: int = 5, pause: float = 30.0, *, clock: Callable[[], float] = time.monotonic) -> None:
        if isinstance(failures, bool) or not isinstance(failures, int) or failures < 1:
            raise BadInput(f"failures must be a whole number from 1, not {failures!r}.")
        if not 0 <= pause < float("inf"):
            raise BadInput(f"pause must be seconds from 0, not {pause!r}.")
        self.failures, self.pause = failures, pause
        self._clock, self._lock = clock, threading.Lock()
        self._round = 0  # grows whenever the state changes; a ticket of another round is a late one
        self._in_a_row = 0
        self._opened: float | None = None
        self._trying = False

    @property
    def state(self) -> State:
        """`closed`: asks; `open`: does not; `half-open`: a trial is on its way, or the next question is one."""
        with self._lock:
            if self._opened is None:
                return "closed"
            return "half-open" if self._trying or self._rested() else "open"

    def enter(self) -> int | None:
        """Whether to ask: a ticket, to be given to `leave` whatever happens; or None: do not."""
        with self._lock:
            if self._opened is not None:
                if self._trying or not self._rested():
                    return None
                self._trying = True
            return self._round

    def leave(self, ticket: int, good: bool | None) -> None:
        """Say what became of a question.

        Args:
            ticket: what `enter` gave for it.
            good: whether there was an answer; None: it was not asked after all.
        """
        with self._lock:
            if ticket != self._round:
                return
            if self._opened is not None:
                self._trying = False
                if good is not None:
                    self._turn(None if good else self._clock())
            elif good:
                self._in_a_row = 0
            elif good is not None:
                self._in_a_row += 1
                if self._in_a_row >= self.failures:
                    self._turn(self._clock())

    def _turn(self, opened: float | None) -> None:
        self._opened, self._in_a_row = opened, 0
        self._round += 1

    def _rested(self) -> bool:
        return self._opened is not None and self._clock() - self._opened >= self.pause
