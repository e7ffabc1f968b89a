"""Two versions that answer under one name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar, overload

from zoo.attempt import attempt
from zoo.audit import AuditLog
from zoo.errors import BadInput
from zoo.given import Given
from zoo.manifest import Manifest
from zoo.named import Named
from zoo.rollout.agreement import agree
from zoo.rollout.differences import Compared, Differences

A = TypeVar("A")


class Versioned(Protocol[A]):
    """A specialist, or a cascade: what answers with a kind of answers, and has a manifest."""

    @property
    def manifest(self) -> Manifest:
        """Whose name and version it answers under."""
        ...

    @overload
    def predict(self, text: str) -> A: ...

    @overload
    def predict(self, text: list[str] | tuple[str, ...]) -> list[A]: ...

    def predict(self, text: Any) -> Any:
        """An answer, or a list of them."""
        ...


class Pair(Named, Generic[A]):
    """A version in use and one that may follow it; answers under the name of the one in use.

    Args:
        current: the one in use: a specialist, or a cascade.
        candidate: the other one, of the same kind.
        same: whether two answers say the same; None: as zoo.rollout.agreement says of their kind.
        sample: examples of each pair of labels that are kept.
        log: where differences and what becomes of them are recorded; None: nowhere.

    Raises:
        BadInput: they are no specialists, or not of one kind.
    """

    def __init__(
        self,
        current: Versioned[A],
        candidate: Versioned[A],
        *,
        same: Callable[[A, A], bool] | None,
        sample: int,
        log: AuditLog | None,
    ) -> None:
        for who in (current, candidate):
            if not isinstance(getattr(who, "manifest", None), Manifest):
                raise BadInput(
                    f"A roll-out is of specialists or cascades, not of {type(who).__name__}.",
                    fix="Give what zoo.load returns; put zoo.audited around the roll-out, not into it.",
                )
        if current.manifest.kind != candidate.manifest.kind:
            raise BadInput(f"{candidate.manifest.id} is of another kind than {current.manifest.id}.")
        if isinstance(sample, bool) or not isinstance(sample, int) or sample < 0:
            raise BadInput(f"sample must be a whole number from 0, not {sample!r}.")
        self.current, self.candidate, self.log = current, candidate, log
        self._differences = Differences(current.manifest.id, candidate.manifest.id, same or agree, sample, log)

    @property
    def answering(self) -> Versioned[A]:
        """The version whose name, version and card this has."""
        return self.current

    @property
    def manifest(self) -> Manifest:
        """Of the version that answers, or answers most."""
        return self.answering.manifest

    @property
    def folder(self) -> Path:
        """Of the specialist that answers; its card is there."""
        folder: Path = getattr(self.answering, "folder")  # noqa: B009  (cascades have none)
        return folder

    @property
    def batch_size(self) -> int | None:
        """Texts a run of its model takes at most; None: they are answered one by one."""
        return getattr(self.answering, "batch_size", None)

    @property
    def compared(self) -> Compared:
        """What came of the comparison so far."""
        return self._differences.so_far

    @overload
    def predict(self, text: str, **how: Any) -> A: ...

    @overload
    def predict(self, text: list[str] | tuple[str, ...], **how: Any) -> list[A]: ...

    def predict(self, text: str | list[str] | tuple[str, ...], **how: Any) -> A | list[A]:
        """Answer about a text, or about each text of a list.

        Args:
            text: as the version in use takes it.
            how: what else it takes, such as scores=True.

        Raises:
            what the version in use raises.
        """
        if isinstance(text, str):
            return self.given([text], **how)[0].answer
        return [one.answer for one in self.given(text, **how)]

    def given(self, texts: Sequence[str], **how: Any) -> list[Given[A]]:
        """As `predict` does about a list, and who gave each answer."""
        raise NotImplementedError

    def _tried(self, texts: Sequence[str], how: Mapping[str, Any]) -> list[A | Exception]:
        """The candidate's answers, with an exception in the place of each that it does not give."""
        ask: Callable[..., list[A]] = self.candidate.predict
        return attempt(lambda some: ask(some, **how), texts)

    def close(self) -> None:
        """Record the counts in the log, if there is one."""
        self._differences.tell()
