"""How much the service takes in, and how long it may take."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass, field

from zoo.errors import BadInput


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass(frozen=True)
class Limits:
    """Constructing one checks it; raises BadInput naming the limit.

    Attributes:
        body: bytes of a request.
        texts: texts of a request.
        characters: Unicode code points of a text.
        queue: texts that may wait for one specialist; a request that would make it longer is shed (503).
        batch: texts answered in one call of `predict`, at most, unless one request alone has more; fewer where a model
            runs them one by one.
        escalations: texts that may wait for one specialist's fallback; more are answered unsure, as they are.
        seconds: a request must be there whole after so long, and is answered, or shed, after as long again.
        rate: requests a second and key, in the long run; None: any number. Without keys it is of all clients together.
        burst: requests that may come at once before `rate` counts.
        workers: batches at work at once, of all specialists together.
        drain: seconds that requests in flight have to end, once the service is told to.
    """

    body: int = 1 << 20
    texts: int = 64
    characters: int = 20_000
    queue: int = 256
    batch: int = 32
    escalations: int = 256
    seconds: float = 30.0
    rate: float | None = None
    burst: int = 20
    workers: int = field(default_factory=_cores)
    drain: float = 30.0

    def __post_init__(self) -> None:
        for name in ("body", "texts", "characters", "queue", "batch", "escalations", "burst", "workers"):
            value = getattr(self, name)
            if not isinstance(value, int) or value < 1:
                raise BadInput(f"{name} must be a whole number from 1, not {value!r}.")
        for name in ("seconds", "drain", *(["rate"] if self.rate is not None else [])):
            value = getattr(self, name)
            if not math.isfinite(value) or value <= 0:
                raise BadInput(f"{name} must be a number above 0, not {value!r}.")
        if self.queue < self.texts:
            raise BadInput(
                f"queue ({self.queue}) must have room for the texts of one request ({self.texts}).",
                fix="Raise queue, or lower texts.",
            )
