"""A kind of answers, as far as a cascade has to know of it."""

from __future__ import annotations

import json
import re
from abc import ABC, abstractmethod
from dataclasses import fields
from typing import Any, ClassVar, Generic, TypeVar

from zoo.decision import Content, Decision

C = TypeVar("C", bound=Content)
THOUGHT = re.compile(r"\A\s*<think>.*?</think>", re.DOTALL)
"""What a model that thinks before it answers puts before its answer."""


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


def json_of(reply: str) -> str:
    """The JSON object of a reply, without what a model may write around it: thoughts, a fence, a word or two."""
    said = THOUGHT.sub("", reply)
    begun, ended = said.find("{"), said.rfind("}")
    return said[begun : ended + 1] if 0 <= begun < ended else said


def written(value: object) -> str:
    """A JSON value as a model writes it."""
    return json.dumps(value, ensure_ascii=False)


def printable(words: str) -> str:
    """The beginning of somebody else's words, fit for a line of a log."""
    return "".join(char if char.isprintable() else " " for char in words[:200])
