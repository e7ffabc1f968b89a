"""From the zoo's answers to those on the wire, by kind."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from pydantic import BaseModel

from zoo.decision import Decision, SpansDecision
from zoo.manifest import CLASSIFICATION, EXTRACTION, GENERATION, SPANS, Manifest
from zoo.recorded import Recorded
from zoo.serve import models


class Wire(NamedTuple):
    """How a kind answers: the model of its response, and of one answer; whether scores were asked for is told."""

    whole: type[BaseModel]
    one: Callable[[Any, bool], BaseModel]


def _label(answer: Any, scores: bool) -> BaseModel:
    whole = models.DecidedLabel if isinstance(answer, Decision) else models.Label
    return whole(**{**_told(answer), "scores": answer.scores if scores else None})


def _spans(answer: Any, scores: bool) -> BaseModel:
    if not isinstance(answer, SpansDecision):
        return models.Spans(spans=[models.Span(**vars(span)) for span in answer])
    found = [models.Mark(**{"score": None, "unsure": False, **vars(span)}) for span in answer.spans]
    return models.DecidedSpans(**{**_told(answer), "spans": found})


def _record(answer: Any, scores: bool) -> BaseModel:
    return (models.DecidedRecord if isinstance(answer, Decision) else models.Record)(**_told(answer))


def _words(answer: Any, scores: bool) -> BaseModel:
    return (models.DecidedWords if isinstance(answer, Decision) else models.Words)(**_told(answer))


def _told(answer: Any) -> dict[str, Any]:
    """What is told of an answer. A decision's `detail` is not: it may hold words of somebody else's reply."""
    return {key: value for key, value in vars(answer).items() if key != "detail"}


KINDS = {
    CLASSIFICATION: Wire(models.Labelled, _label),
    SPANS: Wire(models.Tagged, _spans),
    EXTRACTION: Wire(models.Extracted, _record),
    GENERATION: Wire(models.Written, _words),
}


def on_the_wire(manifest: Manifest, answers: Sequence[Recorded[Any]], *, scores: bool) -> BaseModel:
    """The response's body."""
    whole, one = KINDS[manifest.kind]
    said = [one(recorded.answer, scores) for recorded in answers]
    ids = [recorded.id for recorded in answers]
    by = [recorded.model for recorded in answers]
    body = {"specialist": manifest.name, "version": manifest.version, "kind": manifest.kind, "answers": said}
    several = by if set(by) - {manifest.id} else None
    return whole(**body, ids=ids if any(ids) else None, by=several)
