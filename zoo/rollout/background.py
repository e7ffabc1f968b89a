"""Work that nobody waits for, in a thread, and never more of it than was agreed."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Background(Generic[T]):
    """A bounded queue before a thread of its own, which lives as long as there is something to do.

    Args:
        work: done with each piece, one after the other. If it raises, Python tells so as of any thread, and the rest
            waits for the next piece that is put.
        limit: how much may wait, in the unit of `weigh`.
    """

    def __init__(self, work: Callable[[T], None], limit: int) -> None:
        self._work, self.limit = work, limit
        self._begin()

    def _begin(self) -> None:
        self._process = os.getpid()  # a fork has the queue, and not the thread
        self._changed = threading.Condition()
        self._queue: deque[tuple[T, int]] = deque()
        self._waiting, self._busy = 0, False

    def room(self) -> int:
        """How much more may wait now."""
        return self.limit - self._waiting

    def put(self, piece: T, weight: int) -> bool:
        """Leave a piece of work; False: there is no room for it, or no thread to be had. Never waits."""
        if self._process != os.getpid():
            self._begin()
        with self._changed:
            if self._waiting + weight > self.limit:
                return False
            self._queue.append((piece, weight))
            self._waiting += weight
            if self._busy:
                return True
            self._busy = True
            try:
                threading.Thread(target=self._run, name="zoo-shadow", daemon=True).start()
            except RuntimeError:  # the system has no more threads
                self._queue.pop()
                self._waiting -= weight
                self._busy = False
                return False
        return True

    def wait(self, seconds: float | None) -> bool:
        """Wait until nothing is left to do; False: it was not so in time."""
        if self._process != os.getpid():
            return True
        with self._changed:
            return self._changed.wait_for(lambda: not self._busy, seconds)

    def _run(self) -> None:
        try:
            while (piece := self._next()) is not None:
                self._work(piece)
        except BaseException:
            self._rest()
            raise

    def _next(self) -> T | None:
        """The next piece; None: there is none, and the thread ends."""
        with self._changed:
            if not self._queue:
                self._rest()
                return None
            piece, weight = self._queue.popleft()
            self._waiting -= weight
            return piece

    def _rest(self) -> None:
        with self._changed:  # a Condition's lock may be taken again by who holds it
            self._busy = False
            self._changed.notify_all()
