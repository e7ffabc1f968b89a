"""What a fallback may be asked, in calls and in money; a limit is hard, whatever is on its way at once."""

from __future__ import annotations

import threading
from typing import NamedTuple

from zoo.errors import BadInput


class Spent(NamedTuple):
    """What a fallback has been asked so far.

    Attributes:
        calls: how often; a question that is asked again after a failure counts again.
        cost: what that cost, in the money that the endpoint's prices are in; of calls that failed after they were sent
            the most that they can have cost.
    """

    calls: int
    cost: float


class Budget:
    """Counts, and says when it is enough; safe to use from several threads at once.

    The most that a call can cost is set aside before it is made, and the rest given back after: however many calls are
    on their way at once, they do not spend more than there is.

    Args:
        calls: how many; None: any number.
        cost: how much; None: any.
    """

    def __init__(self, calls: int | None = None, cost: float | None = None) -> None:
        if calls is not None and (isinstance(calls, bool) or not isinstance(calls, int) or calls < 0):
            raise BadInput(f"calls must be a whole number from 0, not {calls!r}.")
        if cost is not None and not cost >= 0:
            raise BadInput(f"cost must be a number from 0, not {cost!r}.")
        self.calls, self.cost = calls, cost
        self._lock = threading.Lock()
        self._calls, self._cost, self._aside = 0, 0.0, 0.0

    @property
    def spent(self) -> Spent:
        """So far."""
        with self._lock:
            return Spent(self._calls, self._cost)

    def take(self, most: float) -> bool:
        """Set aside what a call can cost at most; False: there is not enough left, do not call."""
        with self._lock:
            if self.calls is not None and self._calls >= self.calls:
                return False
            if self.cost is not None and self._cost + self._aside + most > self.cost:
                return False
            self._calls += 1
            self._aside += most
            return True

    def settle(self, most: float, cost: float) -> None:
        """Say what a call cost for which `most` was taken."""
        with self._lock:
            self._aside -= most
            self._cost += cost
