"""Where two versions differ: counted by what each says, a few examples of each, and what the audit log keeps of it."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from zoo.audit import AuditLog
from zoo.rollout.agreement import gist

MOST = 1000
"""Examples kept in all, and pairs told apart: what goes beyond that is one pair, `others`."""
EVERY = 1000
"""Texts after which the counts are recorded."""
OTHERS = ("others", "others")


class Tally(NamedTuple):
    """Texts that both answered, those of them answered differently, and those that the candidate could not answer."""

    compared: int
    different: int
    failed: int


class Difference(NamedTuple):
    """A text that two versions answer differently: in memory alone, the log keeps texts only where it was told to."""

    text: str
    current: Any
    candidate: Any


@dataclass(frozen=True)
class Compared:
    """What came of a comparison so far.

    Attributes:
        compared: texts that both have answered.
        different: of these, those answered differently.
        failed: texts that the candidate could not answer.
        dropped: texts it was not asked about, since too many waited for it (of a shadow alone).
        pairs: of the different ones, how many by what the current version and the candidate say: their labels, or the
            types of spans, or fields, each of which may be the same on both sides where places or values differ.
        sample: examples: the first few of each pair.
        trouble: the candidate's last failure, in words; empty where there was none.
        unrecorded: what the audit log could not take.
    """

    compared: int
    different: int
    failed: int
    dropped: int
    pairs: Mapping[tuple[str, str], int]
    sample: tuple[Difference, ...]
    trouble: str
    unrecorded: int


class Differences:
    """Counts; safe to use from several threads at once. It raises nothing on account of answers or of the log.

    Args:
        current, candidate: their names and versions.
        same: whether two answers say the same.
        sample: examples of each pair that are kept, and recorded.
        log: where; None: nowhere.
    """

    def __init__(
        self, current: str, candidate: str, same: Callable[[Any, Any], bool], sample: int, log: AuditLog | None
    ) -> None:
        self._names, self._same, self._each, self._log = (current, candidate), same, sample, log
        self._lock = threading.Lock()
        self._compared = self._different = self._failed = self._dropped = self._unrecorded = self._told = 0
        self._pairs: Counter[tuple[str, str]] = Counter()
        self._sample: list[Difference] = []
        self._trouble = ""

    @property
    def tally(self) -> Tally:
        """The counts alone."""
        with self._lock:
            return Tally(self._compared, self._different, self._failed)

    @property
    def so_far(self) -> Compared:
        """What was counted."""
        with self._lock:
            counts = (self._compared, self._different, self._failed, self._dropped)
            return Compared(*counts, dict(self._pairs), tuple(self._sample), self._trouble, self._unrecorded)

    def add(self, texts: Sequence[str], ours: Sequence[Any], theirs: Sequence[Any]) -> list[bool]:
        """Compare the answers to some texts.

        Args:
            ours: the current version's.
            theirs: the candidate's, or an exception in the place of one.

        Returns:
            whether each text has an answer of the candidate's that could be compared.
        """
        good = []
        for text, our, their in zip(texts, ours, theirs, strict=True):
            try:
                if isinstance(their, Exception):
                    raise their
                pair = None if self._same(our, their) else (gist(our), gist(their))
            except Exception as error:  # noqa: BLE001  (of the candidate's, or of a comparison that is the caller's)
                with self._lock:
                    self._failed += 1
                    self._trouble = f"{type(error).__name__}: {error}"
                good.append(False)
                continue
            good.append(True)
            with self._lock:
                self._compared += 1
                kept = pair is not None and self._keep(pair, Difference(text, our, their))
            if kept:
                self._record("difference", text, list(zip(self._names, (our, their), strict=True)))
        self._tell(EVERY)
        return good

    def drop(self, texts: int) -> None:
        """Count texts that nobody was asked about."""
        with self._lock:
            self._dropped += texts

    def tell(self) -> None:
        """Record the counts, if anything was counted since they were recorded last."""
        self._tell(1)

    def _keep(self, pair: tuple[str, str], one: Difference) -> bool:
        """Count a difference; whether it is one of the examples."""
        if pair not in self._pairs and len(self._pairs) >= MOST:
            pair = OTHERS
        self._different += 1
        self._pairs[pair] += 1
        if self._pairs[pair] > self._each or len(self._sample) >= MOST:
            return False
        self._sample.append(one)
        return True

    def _tell(self, least: int) -> None:
        with self._lock:
            counted = self._compared + self._failed + self._dropped
            if counted - self._told < least:
                return
            self._told = counted
        self._record("rollout", "compared", *self._names, **counts(self.so_far))

    def _record(self, method: Literal["difference", "rollout"], *what: Any, **more: Any) -> None:
        if self._log is None:
            return
        try:
            getattr(self._log, method)(*what, **more)
        except Exception:  # noqa: BLE001  (of the log, or of a mask that is the caller's: no answer is worth less for it)
            with self._lock:
                self._unrecorded += 1


def counts(found: Compared) -> dict[str, Any]:
    """Counts as the audit log keeps them."""
    pairs = [[*pair, number] for pair, number in sorted(found.pairs.items())]
    numbers = {key: getattr(found, key) for key in ("compared", "different", "failed", "dropped")}
    return {**numbers, "pairs": pairs}
