"""A candidate that is asked, and whose answers count for nothing but the comparison."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, Generic, NamedTuple, TypeVar

from zoo.audit import AuditLog
from zoo.given import Given, given
from zoo.rollout.background import Background
from zoo.rollout.pair import Pair, Versioned
from zoo.specialist import check_count

A = TypeVar("A")


class _Asked(NamedTuple, Generic[A]):
    texts: Sequence[str]
    answers: Sequence[A]
    how: Mapping[str, Any]


class Shadow(Pair[A]):
    """Answers as the current version does; the candidate is asked the same in the background, and compared.

    Safe to use from several threads at once. The candidate runs in a thread of this process: it may be slow, raise, or
    fall behind, and nobody waits for it. What it does take is processor time, and memory.

    Args:
        current, candidate, same, sample, log: see zoo.rollout.pair.Pair. Of each pair of labels `sample` differences
            are recorded, with both answers (and the text where the log keeps texts); the counts every 1,000 texts, and
            when this is closed. What the log can't take is counted (`compared.unrecorded`), and costs no answer.
        queue: texts that may wait for the candidate; what finds no room is counted as dropped, and not asked about.

    Raises:
        BadInput: they are no specialists, or not of one kind; or a number that can't be.
    """

    def __init__(
        self,
        current: Versioned[A],
        candidate: Versioned[A],
        *,
        log: AuditLog | None = None,
        queue: int = 1000,
        sample: int = 20,
        same: Callable[[A, A], bool] | None = None,
    ) -> None:
        super().__init__(current, candidate, same=same, sample=sample, log=log)
        check_count("queue", queue)
        self._background: Background[_Asked[A]] = Background(self._compare, queue)

    def __repr__(self) -> str:
        return f"<zoo.Shadow {self.current.manifest.id}, beside it {self.candidate.manifest.id}>"

    def __enter__(self) -> Shadow[A]:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.close()

    def given(self, texts: Sequence[str], **how: Any) -> list[Given[A]]:
        """See Pair."""
        answers: list[Given[A]] = given(self.current, self.current.manifest.id, texts, **how)
        room = min(len(texts), self._background.room())
        asked = _Asked(tuple(texts[:room]), [one.answer for one in answers[:room]], how)
        if room and not self._background.put(asked, room):
            room = 0
        if room < len(texts):
            self._differences.drop(len(texts) - room)
        return answers

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until the candidate has answered all that it was asked; False: it has not, in so many seconds."""
        return self._background.wait(seconds)

    def close(self, seconds: float = 10.0) -> None:
        """Wait for the candidate, so many seconds at most, and record the counts; it can be used again."""
        self.wait(seconds)
        super().close()

    def _compare(self, asked: _Asked[A]) -> None:
        self._differences.add(asked.texts, asked.answers, self._tried(asked.texts, asked.how))
