"""How long work tells how far it is. One callable, so that a terminal, Prefect and a test can all listen."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

Progress = Callable[[int, int], None]
"""Called with (done, total) as work proceeds; total may grow."""
FEW = 20
"""Of so many each is told as soon as it is done: they may be long ones."""


def silent(done: int, total: int) -> None:
    """Listen to nothing."""


class Parts:
    """Work in parts of which each is told when it has been done.

    Args:
        progress: told (parts done, parts in all), first that none is.
        total: how many there are.
    """

    def __init__(self, progress: Progress, total: int) -> None:
        self._progress, self._total, self._done = progress, total, 0
        progress(0, total)

    def done(self) -> None:
        """One more is."""
        self._done += 1
        self._progress(self._done, self._total)


class Meter:
    """Prints `name  120/400 rows  1.4/s  3:20 left`: on a terminal in place, in a log every few seconds.

    How long it has been, in place of the rate, while nothing is done. At the end the rate of the whole; before, where
    it is higher, that since the first of it was done: a teacher that is asked everything at once says nothing for
    minutes and then a lot, and what it is about to say is as good as half done.
    """

    def __init__(self, name: str, unit: str) -> None:
        self.name, self.unit = name, unit
        self._begun = time.monotonic()
        self._first: int | None = None
        self._warm: tuple[int, float] | None = None  # what was done when something was, and when that was
        self._printed, self._told = 0.0, -1
        self._over = 0  # the total at which the end was told
        self._live = sys.stderr.isatty()

    def __call__(self, done: int, total: int) -> None:
        """Print the line if it is time to."""
        now = time.monotonic()
        if self._first is None:
            self._first, self._begun = done, now  # what the cache already held says nothing about the rate
        if self._warm is None and done > self._first:
            self._warm = done, now
        soon = now - self._printed < (0.2 if self._live else 10.0) and (total > FEW or done == self._told)
        if self._over == total or (done < total and soon):
            return
        self._printed, self._told, self._over = now, done, total if done >= total else 0
        rate = self._rate(self._first, self._begun, done, now)
        if self._warm and total > done >= 2 * self._warm[0] - self._first:  # less may be the rest of the same burst
            rate = max(rate, self._rate(*self._warm, done, now))
        if rate > 0:
            pace = f"{rate:6.1f}/s" + (f"  {clock((total - done) / rate)} left" if done < total else "")
        else:
            pace = f"{clock(now - self._begun):>6} so far" if now - self._begun >= 1 else ""
        line = f"  {self.name:<28} {done:>6}/{total} {self.unit}  {pace}".rstrip()
        end = "\n" if not self._live or done >= total else ""
        print(("\r\x1b[K" if self._live else "") + line, end=end, file=sys.stderr, flush=True)

    @staticmethod
    def _rate(done: int, since: float, more: int, now: float) -> float:
        return (more - done) / (now - since) if now > since else 0.0


def clock(seconds: float) -> str:
    """Seconds as m:ss or h:mm:ss."""
    whole = int(seconds + 0.5)
    hours, rest = divmod(whole, 3600)
    return f"{hours}:{rest // 60:02d}:{rest % 60:02d}" if hours else f"{rest // 60}:{rest % 60:02d}"
