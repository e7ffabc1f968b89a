"""A specialist or a cascade whose every decision is recorded."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar, cast, overload

from zoo.audit.answers import Said
from zoo.audit.log import AuditLog
from zoo.cascade import Cascade, Decision
from zoo.classifier import Answer, Classifier
from zoo.errors import BadInput
from zoo.extractor import Extracted, Extractor
from zoo.specialist import Specialist
from zoo.tagger import Span, Tagger
from zoo.writer import Writer, Written

A = TypeVar("A")


class Predictor(Protocol):
    """What answers about a text, and about each text of a list in its order."""

    def predict(self, text: Any, /) -> Any:
        """An answer, or a list of them."""


@dataclass(frozen=True)
class Recorded(Generic[A]):
    """An answer, and where it is recorded.

    Attributes:
        id: of its record, for zoo.AuditLog.correct and `zoo audit explain`; None where it could not be recorded and the
            log sheds.
        answer: as it would have been without a log.
    """

    id: str | None
    answer: A


class Audited(Generic[A]):
    """Answers as a specialist or cascade does, and records every answer before giving it out. Made by `zoo.audited`.

    Attributes:
        asked: who answers.
        log: where it is recorded.
        model: its name and version.
    """

    def __init__(self, asked: Predictor, log: AuditLog, model: str) -> None:
        self.asked, self.log, self.model = asked, log, model

    def __repr__(self) -> str:
        return f"<zoo.Audited {self.model}, in {self.log.folder}>"

    @overload
    def predict(self, text: str, **how: Any) -> Recorded[A]: ...

    @overload
    def predict(self, text: list[str] | tuple[str, ...], **how: Any) -> list[Recorded[A]]: ...

    def predict(self, text: str | list[str] | tuple[str, ...], **how: Any) -> Recorded[A] | list[Recorded[A]]:
        """Answer about a text, or about each text of a list, which is recorded in one commit.

        Args:
            text: as the specialist takes it.
            how: what else it takes, such as scores=True.

        Raises:
            BadInput: as the specialist does; nothing is recorded then.
            Unrecorded, BrokenLog: nothing could be recorded, and the log does not shed.
        """
        if isinstance(text, str):
            return self.predict([text], **how)[0]
        begun = time.perf_counter()
        said = cast(list[A], self.asked.predict(text, **how))
        share = (time.perf_counter() - begun) / max(1, len(said))
        seconds = [one.seconds if isinstance(one, Decision) else share for one in said]
        ids = self.log.record(self.model, text, cast(list[Said], said), seconds)
        return [Recorded(id, one) for id, one in zip(ids, said, strict=True)]


@overload
def audited(asked: Classifier, log: AuditLog) -> Audited[Answer]: ...


@overload
def audited(asked: Cascade, log: AuditLog) -> Audited[Decision]: ...


@overload
def audited(asked: Tagger, log: AuditLog) -> Audited[list[Span]]: ...


@overload
def audited(asked: Extractor, log: AuditLog) -> Audited[Extracted]: ...


@overload
def audited(asked: Writer, log: AuditLog) -> Audited[Written]: ...


@overload
def audited(asked: Predictor, log: AuditLog, model: str = ...) -> Audited[Any]: ...


def audited(asked: Predictor, log: AuditLog, model: str = "") -> Audited[Any]:
    """Have every decision recorded; the answers stay what they are.

    Args:
        asked: a specialist or a cascade; or anything with a `predict` that gives their kinds of answers.
        log: where.
        model: `name@version` of what is neither; a cascade is recorded as its specialist, with the tier that answered.

    Raises:
        BadInput: it is neither, and no model was named.
    """
    first = asked.specialist if isinstance(asked, Cascade) else asked
    if isinstance(first, Specialist):
        model = first.manifest.id
    if not model:
        raise BadInput(f"Nothing tells what {asked!r} is to be called.", fix="Give model='finance/sentiment@1.0.0'.")
    return Audited(asked, log, model)
