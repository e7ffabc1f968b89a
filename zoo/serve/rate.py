"""So many requests a second, and a few at once: token buckets."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

_ROUNDING = 1e-9  # of requests: who waits as told must not be a clock's last digit too early


class Rates:
    """A bucket for each client: it holds `burst` requests and gets `rate` new ones a second.

    Args:
        rate: requests a second; None: all are let through.
        burst: requests at once.
        clock: seconds, never going back.
    """

    def __init__(self, rate: float | None, burst: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate, self._burst, self._clock = rate, burst, clock
        self._buckets: dict[str, tuple[float, float]] = {}  # requests left, and when that was

    def wait(self, client: str) -> int:
        """0: the request is let through, and counted. Else the seconds, rounded up, until the next one would be."""
        if self._rate is None:
            return 0
        now = self._clock()
        left, since = self._buckets.get(client, (float(self._burst), now))
        left = min(self._burst, left + (now - since) * self._rate)
        if left < 1 - _ROUNDING:
            self._buckets[client] = left, now
            return max(1, math.ceil((1 - left) / self._rate))
        self._buckets[client] = left - 1, now
        return 0
