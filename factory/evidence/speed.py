"""How fast a predictor answers on this machine."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from factory.evidence.circumstances import Circumstances, hardware
from factory.evidence.records import Speed, rows_hash

Predict = Callable[[list[str]], Any]

__all__ = ["Predict", "from_seconds", "hardware", "measure"]


def measure(
    predict: Predict,
    texts: Sequence[str],
    who: str,
    *,
    batches: Sequence[int] = (1, 32),
    calls: int = 100,
    warm_up: int = 3,
    circumstances: Circumstances | None = None,
    what: str = "",
) -> list[Speed]:
    """Time calls of `predict`, one record a batch size.

    Args:
        predict: answers a list of texts; what it returns is ignored, what it raises is not caught.
        texts: real texts, gone through in turn, again from the start when used up; at least one.
        who: whose speed it is.
        batches: texts a call.
        calls: timed calls a batch size, but no more than go once through the texts where the batch is above 1.
        warm_up: calls before the clock starts.
        circumstances: what to write beside the figures; None: this machine.
        what: see Evidence.
    """
    if not texts:
        raise ValueError("speed is measured on at least one text")
    noted = circumstances or Circumstances(hardware=hardware())
    return [_timed(predict, texts, who, batch, calls, warm_up, noted, what) for batch in batches]


def from_seconds(seconds: Sequence[float], who: str, circumstances: Circumstances, what: str = "") -> Speed:
    """The speed of one-at-a-time answers whose durations were noted as they were given (a teacher's predictions)."""
    if not seconds:
        raise ValueError("speed is computed from at least one duration")
    return _record(np.asarray(seconds, dtype=np.float64), 1, len(seconds), "", who, circumstances, what)


def _timed(
    predict: Predict,
    texts: Sequence[str],
    who: str,
    batch: int,
    calls: int,
    warm_up: int,
    circumstances: Circumstances,
    what: str,
) -> Speed:
    count = calls if batch == 1 else max(1, min(calls, -(-len(texts) // batch)))
    groups = [[texts[(number * batch + place) % len(texts)] for place in range(batch)] for number in range(count)]
    for number in range(warm_up):
        predict(groups[number % count])
    durations = []
    for group in groups:
        begun = time.perf_counter()
        predict(group)
        durations.append(time.perf_counter() - begun)
    return _record(
        np.asarray(durations), batch, count, rows_hash((text, "") for text in texts), who, circumstances, what
    )


def _record(durations: Any, batch: int, n: int, rows: str, who: str, circumstances: Circumstances, what: str) -> Speed:
    p50, p95, p99 = np.quantile(durations, [0.5, 0.95, 0.99]) * 1000.0
    total = max(float(durations.sum()), 1e-9)
    return Speed(
        who=who,
        what=what,
        rows=rows,
        n=n,
        batch=batch,
        p50_ms=float(p50),
        p95_ms=float(p95),
        p99_ms=float(p99),
        rows_per_second=n * batch / total,
        **vars(circumstances),
    )
