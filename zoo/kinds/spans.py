"""Spans: what taggers answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Any

from zoo import claims
from zoo.decision import Marks, SpansDecision
from zoo.kinds.kind import Kind, Unusable, json_of, printable, written
from zoo.mark import Mark, marked


class Spans(Kind[Marks]):
    """Of taggers."""

    column, content, decision = "entities", Marks, SpansDecision

    def unsure(self, answer: Any) -> bool:
        """Whether one of the spans is."""
        return any(span.unsure for span in answer) if isinstance(answer, list) else bool(answer.unsure)

    def confidence(self, answer: Any) -> float:
        """Of the least sure span."""
        return min((float(span.score) for span in answer), default=1.0)

    def held(self, answer: Any) -> Marks:
        """The spans."""
        return Marks(spans=tuple(answer if isinstance(answer, list) else answer.spans))

    def read(self, text: str, reply: str) -> Marks:
        """Claims of words and types, sought in the text: where none holds, nothing was answered."""
        claimed, failure = claims.read(json_of(reply))
        if claimed is None:
            raise Unusable(f"{failure}: {printable(reply)!r}")
        found, refused = claims.locate(text, claimed, self.labels)
        if claimed and not found:
            raise Unusable(f"nothing claimed holds: {printable(refused[0].reason)}")
        return Marks(spans=tuple(found))

    def take(self, text: str, value: Any) -> Marks:
        """Marks of the text, or objects of `label` (or `type`), `start` and `end`."""
        if isinstance(value, str | Mapping) or not isinstance(value, Iterable):
            raise Unusable(f"no spans: {printable(repr(value))}")
        found = sorted((self._taken(text, one) for one in value), key=lambda one: one.start)
        if any(claims.touch(one, other) for one, other in pairwise(found)):
            raise Unusable("spans that overlap")
        return Marks(spans=tuple(found))

    def reply(self, said: Marks) -> str:
        """Claims: the spans' words and types."""
        return written({"spans": [{"text": one.text, "type": one.label} for one in said.spans]})

    def joined(self, answer: Any, said: Marks, least: float | None) -> Marks:
        """What the specialist is sure of stays, and what the tier found elsewhere comes to it."""
        sure = [span for span in answer if not self.doubted([span], least)]
        more = [one for one in said.spans if not any(claims.touch(one, span) for span in sure)]
        return Marks(spans=tuple(sorted([*sure, *more], key=lambda one: one.start)))

    def _taken(self, text: str, one: Any) -> Mark:
        said = vars(one) if isinstance(one, Mark) else one
        known = said if isinstance(said, Mapping) else {}
        label, start, end = known.get("label", known.get("type")), known.get("start"), known.get("end")
        if not (isinstance(label, str) and isinstance(start, int) and isinstance(end, int)):
            raise Unusable(f"no span: {printable(repr(one))}")
        if label not in self.labels or not 0 <= start < end <= len(text):
            raise Unusable(f"no span of the text: {printable(repr(one))}")
        return marked(text, start, end, label)
