"""A specialist or a cascade whose every decision is recorded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from zoo.audit.log import AuditLog
from zoo.cascade import Cascade, D
from zoo.classifier import Answer, Classifier
from zoo.errors import BadInput
from zoo.extractor import Extracted, Extractor
from zoo.given import Given, Predictor, given
from zoo.manifest import Manifest
from zoo.tagger import Span, Tagger
from zoo.writer import Writer, Written

if TYPE_CHECKING:
    from zoo.rollout.pair import Pair

A = TypeVar("A")


@dataclass(frozen=True)
class Recorded(Generic[A]):
    """An answer, and where it is recorded.

    Attributes:
        id: of its record, for zoo.AuditLog.correct and `zoo audit explain`; None where it could not be recorded and the
            log sheds.
        answer: as it would have been without a log.
        model: who gave it, `name@version`; where a candidate has its share of the texts (zoo.Canary), it may be either.
    """

    id: str | None
    answer: A
    model: str = ""


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
        return f"<zoo.Audited {self.model}, in {self.log.where}>"

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
        return record(given(self.asked, self.model, text, **how), text, self.log)


def record(found: Sequence[Given[A]], texts: Sequence[str], log: AuditLog | None) -> list[Recorded[A]]:
    """Record answers in one commit; raises Unrecorded and BrokenLog as AuditLog.record.

    Args:
        found: the answers, and who gave each.
        texts: what they are about.
        log: where; None: nowhere, and they have no ids.
    """
    if log is None or not found:
        return [Recorded(None, one.answer, one.model) for one in found]
    answers, models, seconds = zip(*found, strict=True)
    ids = log.record(models, texts, answers, seconds)
    return [Recorded(id, one.answer, one.model) for id, one in zip(ids, found, strict=True)]


@overload
def audited(asked: Classifier, log: AuditLog) -> Audited[Answer]: ...


@overload
def audited(asked: Cascade[D], log: AuditLog) -> Audited[D]: ...


@overload
def audited(asked: Tagger, log: AuditLog) -> Audited[list[Span]]: ...


@overload
def audited(asked: Extractor, log: AuditLog) -> Audited[Extracted]: ...


@overload
def audited(asked: Writer, log: AuditLog) -> Audited[Written]: ...


@overload
def audited(asked: Pair[A], log: AuditLog) -> Audited[A]: ...


@overload
def audited(asked: Predictor, log: AuditLog, model: str = ...) -> Audited[Any]: ...


def audited(asked: Predictor, log: AuditLog, model: str = "") -> Audited[Any]:
    """Have every decision recorded; the answers stay what they are.

    Args:
        asked: a specialist, a cascade, or one of both in a zoo.Shadow or zoo.Canary; or anything with a `predict` that
            gives their kinds of answers.
        log: where.
        model: `name@version` of what has no manifest; a cascade is recorded as its specialist, with the tier that
            answered.

    Raises:
        BadInput: it has no manifest, and no model was named.
    """
    if isinstance(manifest := getattr(asked, "manifest", None), Manifest):
        model = manifest.id
    if not model:
        raise BadInput(f"Nothing tells what {asked!r} is to be called.", fix="Give model='finance/sentiment@1.0.0'.")
    return Audited(asked, log, model)
