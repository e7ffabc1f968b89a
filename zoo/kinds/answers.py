"""Answers in words: what writers say."""

from __future__ import annotations

import json
from typing import Any

from zoo.decision import Words, WordsDecision
from zoo.kinds.kind import Kind, Unusable, json_of, printable, written
from zoo.words import settle


class Answers(Kind[Words]):
    """Of writers."""

    column, content, decision = "answer", Words, WordsDecision

    def confidence(self, answer: Any) -> float:
        """Of the words."""
        return float(answer.score)

    def read(self, text: str, reply: str) -> Words:
        """The words of `{"answer": words}`."""
        try:
            value = json.loads(json_of(reply))
        except (ValueError, RecursionError) as error:
            raise Unusable(f"not JSON: cut off or malformed: {printable(reply)!r}") from error
        return self.take(text, value.get("answer") if isinstance(value, dict) else None)

    def take(self, text: str, value: Any) -> Words:
        """Words."""
        words = settle(value) if isinstance(value, str) else ""
        if not words:
            raise Unusable(f"no answer: {printable(repr(value))}")
        return Words(text=words)

    def reply(self, said: Words) -> str:
        """The words of `{"answer": words}`."""
        return written({"answer": said.text})
