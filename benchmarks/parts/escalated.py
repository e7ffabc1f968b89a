"""A large model whose every reply is kept, with the seconds it took: asked once, however often it is looked at."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from factory.errors import TeacherError
from factory.evidence.decision import Decision
from factory.files import canonical
from factory.generate.pipeline import LOST
from factory.progress import Progress
from factory.span import plain
from factory.teacher.cache import ReplyCache, key_of
from factory.teacher.chat import Request, Teacher
from factory.teacher.client import TeacherClient
from zoo.decision import Content, Label, Marks, Record
from zoo.kinds import Kind, Unusable
from zoo.question import Question

LONGEST = 64  # tokens of a reply, as zoo.Endpoint asks for


@dataclass(frozen=True)
class Said:
    """What it said about a text.

    Attributes:
        content: None: nothing that can be used, or it would not take the question.
        seconds: from the question to the whole reply; None: a kill came before that was kept.
        read, written: tokens.
    """

    content: Content | None
    seconds: float | None
    read: int
    written: int


class Escalated:
    """Whom a cascade passes texts on to.

    Args:
        question: a text to what is asked about it.
        kind: of the answers.
        teacher: whom; reached when the first reply is missing.
        cache: where replies are kept.
    """

    def __init__(
        self, question: Callable[[str], Question], kind: Kind[Any], teacher: Teacher, cache: ReplyCache
    ) -> None:
        self._question, self._kind, self._teacher, self._cache = question, kind, teacher, cache
        self.__name__ = teacher.identity  # what a cascade calls it

    def ask(self, texts: Sequence[str], progress: Progress) -> None:
        """Ask about every text that was not asked about before, one after the other, so that each has its own time.

        Raises:
            TeacherError: it can't be reached, or does not answer more than one question in twenty. What came is kept.
        """
        missing = [text for text in texts if not self._cache.contains(self._key(text))]
        if missing:
            asyncio.run(self._ask(missing, len(texts), progress))

    def __call__(self, text: str) -> Any:
        """What it said, as zoo.Cascade takes it of a function; None, which is no answer, where it said nothing."""
        content = self.said(text).content
        return content.spans if isinstance(content, Marks) else decided(content)

    def said(self, text: str) -> Said:
        """What it said, when it was asked."""
        reply = self._cache.get(self._key(text))
        if reply is None:
            return Said(None, None, 0, 0)
        seconds = (self._cache.get(key_of(canonical(self._timed(text)))) or {}).get("seconds")
        try:
            content = self._kind.read(text, reply["text"])
        except Unusable:
            content = None
        return Said(content, seconds, reply["prompt_tokens"], reply["completion_tokens"])

    async def _ask(self, texts: Sequence[str], of: int, progress: Progress) -> None:
        async with TeacherClient(self._teacher.reach(), self._cache, concurrency=1) as client:
            failed = 0
            for place, text in enumerate(texts):
                begun = time.perf_counter()
                try:
                    await client.ask(self._request(text))
                except TeacherError:  # such as a text that it finds too long; asked again by the next command
                    failed += 1
                    if failed > LOST * of:
                        raise
                else:
                    seconds = time.perf_counter() - begun
                    self._cache.put(self._timed(text), {"seconds": seconds}, 0, 0)
                progress(of - len(texts) + place + 1, of)

    def _request(self, text: str) -> Request:
        question = self._question(text)
        most = LONGEST + question.room(text)
        if question.choices:
            return Request(question.chat(text), max_tokens=most, choices=list(question.choices))
        return Request(question.chat(text), max_tokens=most, json_schema=dict(question.schema))

    def _key(self, text: str) -> str:
        return self._request(text).cache_key(self._teacher.identity)

    def _timed(self, text: str) -> dict[str, str]:
        """Under what the seconds are kept."""
        return {"seconds of": self._key(text)}


def decided(content: Content | None) -> Decision | None:
    """What the zoo says, as the factory's evidence has it."""
    if content is None:
        return None
    if isinstance(content, Label):
        return content.label
    if isinstance(content, Marks):
        return plain(content.spans)
    return dict(content.values) if isinstance(content, Record) else content.text
