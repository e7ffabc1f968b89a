"""From the zoo's answers to those on the wire, by kind."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from pydantic import BaseModel

from zoo.audit import Recorded
from zoo.cascade import Decision
from zoo.manifest import CLASSIFICATION, EXTRACTION, GENERATION, SPANS, Manifest
from zoo.serve import models


class Wire(NamedTuple):
    """How a kind answers: the model of its response, and of one answer; whether scores were asked for is told."""

    whole: type[BaseModel]
    one: Callable[[Any, bool], BaseModel]


def _label(answer: Any, scores: bool) -> models.Label | models.Decided:
    """A cascade's `detail` stays here: it may hold words of somebody else's reply."""
    whole = models.Decided if isinstance(answer, Decision) else models.Label
    return whole(**{**vars(answer), "scores": answer.scores if scores else None})


KINDS = {
    CLASSIFICATION: Wire(models.Labelled, _label),
    SPANS: Wire(models.Tagged, lambda found, _: models.Spans(spans=[models.Span(**vars(span)) for span in found])),
    EXTRACTION: Wire(models.Extracted, lambda answer, _: models.Record(**vars(answer))),
    GENERATION: Wire(models.Written, lambda answer, _: models.Words(**vars(answer))),
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
