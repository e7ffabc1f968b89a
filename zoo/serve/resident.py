"""A version that a service has loaded, and how it is asked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zoo.audit import AuditLog
from zoo.cascade import Cascade
from zoo.given import given
from zoo.manifest import CLASSIFICATION
from zoo.recorded import Recorded, record
from zoo.rollout.pair import Pair
from zoo.serve.batcher import Batcher, Workers
from zoo.serve.escalating import Escalating
from zoo.serve.limits import Limits
from zoo.serve.served import Served
from zoo.serve.trial import Trial

Name = str | Path | Trial | Served
"""What is served: by name, to be loaded; two by names; or what is loaded already."""
_FEW = 4


@dataclass(frozen=True)
class Resident:
    """A loaded version, and the queue before it. Whoever holds one is answered by it, whatever is reloaded meanwhile.

    Attributes:
        follows: what it was asked for by: `finance/sentiment@1`, or what was given itself.
        escalating: of a cascade, what becomes of the texts that its specialist is not sure of.
    """

    specialist: Served
    batcher: Batcher[Any]
    follows: Name
    escalating: Escalating | None = None

    @property
    def fallback(self) -> str | None:
        """Who is asked where it is not sure."""
        return self.escalating.cascade.tier.name if self.escalating else None

    @property
    def rollout(self) -> Pair[Any] | None:
        """The roll-out of two versions that it is, or that is before its fallback."""
        asked = self.specialist.specialist if isinstance(self.specialist, Cascade) else self.specialist
        return asked if isinstance(asked, Pair) else None

    async def ask(self, texts: Sequence[str], until: float) -> list[Recorded[Any]]:
        """The answers about texts, in their order, by a time of the event loop's clock.

        Raises:
            Full: there is no room, or they were not answered, or not recorded, in time.
            what else Batcher.ask and Escalating.decide raise.
        """
        answers = await self.batcher.ask(texts, until)
        return answers if self.escalating is None else await self.escalating.decide(texts, answers, until)

    def close(self) -> None:
        """Ask no fallback any more, and let a roll-out record what it has counted."""
        if self.escalating is not None:
            self.escalating.close()
        if self.rollout is not None:
            self.rollout.close()


def settle(
    specialist: Served,
    follows: Name,
    *,
    workers: Workers,
    limits: Limits,
    seen: Callable[[int], Any],
    log: AuditLog | None,
) -> Resident:
    """Put a queue before what is loaded; a cascade is asked in two halves.

    Args:
        specialist: who answers.
        follows: what it was asked for by.
        workers, limits, seen: of its queue, see Batcher.
        log: where every decision is recorded before it is given out; None: nowhere.
    """
    escalating, answer = None, _answer(specialist, log)
    if isinstance(specialist, Cascade):
        escalating = Escalating(specialist, limits, log)
        answer = escalating.guess
    batcher = Batcher[Any](answer, workers, limits, _together(specialist, limits.batch), seen)
    return Resident(specialist, batcher, follows, escalating)


def _together(specialist: Served, most: int) -> int:
    """Texts of a batch. Where the model runs them one by one, a batch saves hand-overs between threads and no
    arithmetic, and its first text waits for its last: then they are few; and one where each is written word by word."""
    size = specialist.batch_size
    return 1 if size is None else min(most, max(size, _FEW))


def _answer(specialist: Served, log: AuditLog | None) -> Callable[[list[str]], list[Any]]:
    """How a batch is answered, in a worker, and recorded in one commit.

    Classifiers always give scores, which cost little: one of a batch's requests may want them.
    """
    how = {"scores": True} if specialist.manifest.kind == CLASSIFICATION else {}
    name = specialist.manifest.id
    return lambda texts: record(given(specialist, name, texts, **how), texts, log)
