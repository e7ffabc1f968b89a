"""What a cascade has to know of a kind of answers: when one is unsure, what a tier may say, what follows of both."""

from __future__ import annotations

import json
import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import fields, replace
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

from zoo import claims, record
from zoo.decision import (
    Content,
    Decision,
    Label,
    LabelDecision,
    Marks,
    Record,
    RecordDecision,
    SpansDecision,
    Words,
    WordsDecision,
)
from zoo.form import Form
from zoo.manifest import CLASSIFICATION, EXTRACTION, GENERATION, PROMPT, SPANS, Manifest
from zoo.mark import Mark
from zoo.prompt import Prompt
from zoo.words import settle

C = TypeVar("C", bound=Content)
_THOUGHT = re.compile(r"\A\s*<think>.*?</think>", re.DOTALL)
_AROUND = " \t\r\n\"'`*.:,()[]"
_NAMED = re.compile(r"(?:the )?(?:label|answer|code|category)(?: is)?\s*:?\s*(?=\S)", re.IGNORECASE)


class Unusable(Exception):  # noqa: N818  (it is no error: a cascade makes a reason code of it)
    """What a tier said is no answer; says why."""


class Kind(ABC, Generic[C]):
    """A kind of answers, of one specialist.

    Args:
        labels: the specialist's.

    Attributes:
        column: where people's rows have what is right, as `zoo audit export` writes it and the factory reads it.
        content: what an answer of it holds.
        decision: what a cascade makes of it.
    """

    column: ClassVar[str]
    content: ClassVar[type[Any]]
    decision: ClassVar[type[Decision]]

    def __init__(self, labels: tuple[str, ...]) -> None:
        self.labels = labels

    def unsure(self, answer: Any) -> bool:
        """Whether an answer of a specialist, or a decision, is marked unsure."""
        return bool(answer.unsure)

    def doubted(self, answer: Any, least: float | None) -> bool:
        """Whether a specialist's answer is to be passed on.

        Args:
            least: the confidence from which on an answer stands; None: one that is not marked unsure does.
        """
        return self.unsure(answer) or (least is not None and self.confidence(answer) < least)

    @abstractmethod
    def confidence(self, answer: Any) -> float:
        """How sure a specialist is of its answer, of spans of the least sure one; 1 where it found none."""

    def held(self, answer: Any) -> C:
        """What an answer of a specialist, or a decision, holds."""
        found: C = self.content(**{one.name: getattr(answer, one.name) for one in fields(self.content)})
        return found

    @abstractmethod
    def read(self, text: str, reply: str) -> C:
        """What a large model's reply about a text says; raises Unusable."""

    @abstractmethod
    def take(self, text: str, value: Any) -> C:
        """What a function said about a text; raises Unusable."""

    @abstractmethod
    def reply(self, said: C) -> str:
        """The reply that `read` takes for this."""

    def joined(self, answer: Any, said: C, least: float | None) -> C:
        """What is answered where a specialist's answer was doubted (`least`: see there) and the next tier said this."""
        return said


class Labels(Kind[Label]):
    """Of classifiers."""

    column, content, decision = "label", Label, LabelDecision

    def confidence(self, answer: Any) -> float:
        """Of the label."""
        return float(answer.confidence)

    def read(self, text: str, reply: str) -> Label:
        """The whole reply, or its last line, must be a label and nothing else, but for quotes, full stops and the like
        around it, words such as `Label:` before it, and its case. A label somewhere in a sentence is not an answer:
        `not positive` is none."""
        said = _THOUGHT.sub("", reply).strip()
        for line in dict.fromkeys([said, said.rpartition("\n")[2]]):
            for words in (line, line.strip(_AROUND), _NAMED.sub("", line.strip(_AROUND), count=1).strip(_AROUND)):
                if words in self.labels:
                    return Label(label=words)
                alike = [one for one in self.labels if one.casefold() == words.casefold()]
                if len(alike) == 1:
                    return Label(label=alike[0])
        raise Unusable(f"not one of the labels: {_printable(reply)!r}")

    def take(self, text: str, value: Any) -> Label:
        """A label."""
        if not isinstance(value, str) or value not in self.labels:
            raise Unusable(f"not one of the labels: {_printable(repr(value))}")
        return Label(label=value)

    def reply(self, said: Label) -> str:
        """The label."""
        return said.label

    def joined(self, answer: Any, said: Label, least: float | None) -> Label:
        """The tier's label; scores stay the specialist's."""
        return replace(said, scores=answer.scores)


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
        claimed, failure = claims.read(_object(reply))
        if claimed is None:
            raise Unusable(f"{failure}: {_printable(reply)!r}")
        found, refused = claims.locate(text, claimed, self.labels)
        if claimed and not found:
            raise Unusable(f"nothing claimed holds: {_printable(refused[0].reason)}")
        return Marks(spans=tuple(_mark(text, one) for one in found))

    def take(self, text: str, value: Any) -> Marks:
        """Marks of the text, or objects of `label` (or `type`), `start` and `end`."""
        if isinstance(value, str | Mapping) or not isinstance(value, Iterable):
            raise Unusable(f"no spans: {_printable(repr(value))}")
        found = sorted((self._taken(text, one) for one in value), key=lambda one: one.start)
        if any(claims.touch(one, other) for one, other in pairwise(found)):
            raise Unusable("spans that overlap")
        return Marks(spans=tuple(found))

    def reply(self, said: Marks) -> str:
        """Claims: the spans' words and types."""
        return _json({"spans": [{"text": one.text, "type": one.label} for one in said.spans]})

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
            raise Unusable(f"no span: {_printable(repr(one))}")
        if label not in self.labels or not 0 <= start < end <= len(text):
            raise Unusable(f"no span of the text: {_printable(repr(one))}")
        return _mark(text, claims.Found(start, end, label))


class Records(Kind[Record]):
    """Of extractors.

    Args:
        fields: what a value looks like, by field.
    """

    column, content, decision = "record", Record, RecordDecision

    def __init__(self, fields: Mapping[str, Form]) -> None:
        super().__init__(tuple(fields))
        self._fields = fields

    def confidence(self, answer: Any) -> float:
        """Of the record."""
        return float(answer.score)

    def read(self, text: str, reply: str) -> Record:
        """A record by the fields, whose quotations stand in the text. Of one that holds in part nothing is taken: what
        is left would say that the text does not have the rest."""
        said, failure = record.read(_object(reply))
        if said is None:
            raise Unusable(f"{failure}: {_printable(reply)!r}")
        return self._settled(text, said)

    def take(self, text: str, value: Any) -> Record:
        """Values by field."""
        said = record.plain(dict(value) if isinstance(value, Mapping) else value)
        if said is None:
            raise Unusable(f"{record.NO_RECORD}: {_printable(repr(value))}")
        return self._settled(text, said)

    def reply(self, said: Record) -> str:
        """Every field, null where the text has none."""
        return _json({name: said.values.get(name) for name in self._fields})

    def _settled(self, text: str, said: record.Record) -> Record:
        values, failure = record.settle(self._fields, text, said)
        if failure:
            raise Unusable(_printable(failure))
        return Record(values=values)


class Answers(Kind[Words]):
    """Of writers."""

    column, content, decision = "answer", Words, WordsDecision

    def confidence(self, answer: Any) -> float:
        """Of the words."""
        return float(answer.score)

    def read(self, text: str, reply: str) -> Words:
        """The words of `{"answer": words}`."""
        try:
            value = json.loads(_object(reply))
        except (ValueError, RecursionError) as error:
            raise Unusable(f"not JSON: cut off or malformed: {_printable(reply)!r}") from error
        return self.take(text, value.get("answer") if isinstance(value, dict) else None)

    def take(self, text: str, value: Any) -> Words:
        """Words."""
        words = settle(value) if isinstance(value, str) else ""
        if not words:
            raise Unusable(f"no answer: {_printable(repr(value))}")
        return Words(text=words)

    def reply(self, said: Words) -> str:
        """The words of `{"answer": words}`."""
        return _json({"answer": said.text})


def kind_of(manifest: Manifest, folder: Path) -> Kind[Any]:
    """The kind of a specialist's answers; raises BrokenSpecialist where its prompt can't be read."""
    if manifest.kind == EXTRACTION:
        return Records(Prompt.read(folder / PROMPT).fields)
    simple: Mapping[str, type[Kind[Any]]] = {CLASSIFICATION: Labels, SPANS: Spans, GENERATION: Answers}
    return simple[manifest.kind](manifest.labels)


def _object(reply: str) -> str:
    """The JSON object of a reply, without what a model may write around it: thoughts, a fence, a word or two."""
    said = _THOUGHT.sub("", reply)
    begun, ended = said.find("{"), said.rfind("}")
    return said[begun : ended + 1] if 0 <= begun < ended else said


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _mark(text: str, one: claims.Found) -> Mark:
    return Mark(one.label, one.start, one.end, text[one.start : one.end])


def _printable(words: str) -> str:
    return "".join(char if char.isprintable() else " " for char in words[:200])
