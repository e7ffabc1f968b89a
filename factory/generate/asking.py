"""What a teacher says of texts it did not write: one question a text, asked greedily, whatever the kind of decision.

A kind brings the question and says what a reply means (marking.py, extraction.py, answering.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Generic, TypeVar

from factory.generate.limits import NO_LIMITS, Limits, Spent, within
from factory.generate.pipeline import ask
from factory.progress import Progress, silent
from factory.spec import Spec
from factory.teacher.chat import Request, Teacher

D = TypeVar("D")


@dataclass(frozen=True)
class Said(Generic[D]):
    """A teacher's view of one text.

    Attributes:
        decision: what it decided; None where its reply could not be read, or does not hold.
        failure: why there is no decision; empty where there is one.
        beside: what else of the reply is to be kept, in JSON's types.
        key: the reply's place in the cache.
    """

    decision: D | None
    failure: str = ""
    beside: Mapping[str, Any] = field(default_factory=dict)
    key: str = ""


def ask_about(
    spec: Spec,
    questions: Iterable[tuple[str, Request]],
    read: Callable[[Spec, str, str], Said[D]],
    teacher: Teacher,
    cache: Path,
    progress: Progress = silent,
    limits: Limits = NO_LIMITS,
    before: Spent | None = None,
) -> tuple[list[Said[D]], Spent]:
    """Ask about texts.

    Args:
        spec: the specialist.
        questions: what is asked, each with the text that it is about.
        read: what a reply says of a text.
        teacher: whom to ask.
        cache: the reply cache's file.
        progress: called with (replies, replies in all).
        limits: what may be spent; the failure of texts beyond it begins with limits.NOT_ASKED.
        before: what was spent earlier under the same limits.

    Returns:
        What was said, in the questions' order, and what asking cost; that is counted only where there are limits.
    """
    texts, requests = zip(*questions, strict=True)
    answers, spent = within(limits, ask, "judge", requests, teacher, cache, spec.teacher.concurrency, progress, before)
    found = [
        Said[D](None, answer.error, key=answer.key)
        if answer.text is None
        else replace(read(spec, text, answer.text), key=answer.key)
        for answer, text in zip(answers, texts, strict=True)
    ]
    return found, spent
