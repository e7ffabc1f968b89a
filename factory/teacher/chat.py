"""What is asked of a teacher and what it answers, to and from OpenAI's chat protocol."""

from __future__ import annotations

import json
import unicodedata
from dataclasses import dataclass, field
from typing import Any, Protocol

import orjson

from factory.files import canonical
from factory.teacher.cache import Entry, key_of

_PAID = 2**53 - 1  # JSON's largest whole number that every reader understands
HELD_BY = frozenset({"response_format", "structured_outputs"})
"""Keys of a request's body that hold its reply to a form. A server may refuse them."""


@dataclass(frozen=True)
class Endpoint:
    """A teacher that answers.

    Attributes:
        url: its address up to `/v1`; several, separated by commas, where several servers serve it.
        model: the model as the server calls it.
        identity: teacher and revision, `name@revision`; part of every reply's key, and lineage cites it.
        key: bearer token, or empty.
    """

    url: str
    model: str
    identity: str
    key: str = field(default="", repr=False)

    def reach(self) -> Endpoint:
        """Itself: it is there."""
        return self

    @property
    def urls(self) -> list[str]:
        """Every address, without a slash at the end."""
        return [url.strip().rstrip("/") for url in self.url.split(",") if url.strip()]


class Teacher(Protocol):
    """Whom to ask, known before it is started: what it answered earlier is in the cache under its identity."""

    @property
    def identity(self) -> str:
        """Teacher and revision, `name@revision`."""

    def reach(self) -> Endpoint:
        """Where it answers; started first, if need be."""


@dataclass(frozen=True)
class Request:
    """One question.

    There is no seed: a seeded request can kill vLLM's CPU engine. `ordinal` asks the same question anew.

    Attributes:
        messages: the chat, `{"role": ..., "content": ...}` each.
        temperature, top_p, min_p: sampling; temperature 0 is greedy. OpenAI does not know `min_p`; it is sent where it
            is above 0.
        max_tokens: the reply is cut here.
        json_schema: the reply must be JSON of this schema; keys are written in the schema's order.
        choices: or it must be one of these texts.
        top_logprobs: how many of the likeliest tokens to report at every position; 0: none.
        ordinal: 0 for the first time this is asked, 1 for the second, ...
    """

    messages: list[dict[str, str]]
    temperature: float = 0.0
    top_p: float = 1.0
    min_p: float = 0.0
    max_tokens: int = 256
    json_schema: dict[str, Any] | None = None
    choices: list[str] | None = None
    top_logprobs: int = 0
    ordinal: int = 0

    def canonical(self, identity: str) -> dict[str, Any]:
        """Everything a reply depends on, as the cache keeps it."""
        # Not vars(), which would leave every request a dictionary for the garbage collector to look after.
        found = {
            "teacher": identity,
            "messages": self.messages,
            "temperature": self.temperature,
            "top_p": self.top_p,
            "max_tokens": self.max_tokens,
            "json_schema": self.json_schema,
            "choices": self.choices,
            "top_logprobs": self.top_logprobs,
            "ordinal": self.ordinal,
        }
        return found | {"min_p": self.min_p} if self.min_p else found  # replies of before it was known are found still

    def cache_key(self, identity: str) -> str:
        """Where the cache holds the reply of the teacher so named: sha256, 64 hex digits."""
        return key_of(canonical(self.canonical(identity)))

    def body(self, model: str) -> dict[str, Any]:
        """The POST body for /v1/chat/completions; of HELD_BY `structured_outputs` is vLLM's own."""
        body: dict[str, Any] = {
            "model": model,
            "messages": self.messages,
            "temperature": self.temperature,
            "top_p": self.top_p,
            "max_tokens": self.max_tokens,
        }
        if self.min_p:
            body["min_p"] = self.min_p
        if self.json_schema is not None:
            wrapped = {"name": "reply", "schema": self.json_schema, "strict": True}
            body["response_format"] = {"type": "json_schema", "json_schema": wrapped}
        if self.choices is not None:
            body["structured_outputs"] = {"choice": self.choices}
        if self.top_logprobs:
            body |= {"logprobs": True, "top_logprobs": self.top_logprobs}
        return body


@dataclass(frozen=True)
class Reply:
    """One answer. A server may ignore a constraint, so whoever reads `text` parses and validates it.

    Attributes:
        text: what came.
        finish_reason: `stop`, or `length` where max_tokens cut it.
        prompt_tokens, completion_tokens: what was paid.
        top_logprobs: for every token of the text, the likeliest tokens and their natural logarithms of probability;
            None if not asked for or not given.
        key: where the cache holds it.
        cached: whether it was there before it was asked for.
    """

    text: str
    finish_reason: str
    prompt_tokens: int
    completion_tokens: int
    top_logprobs: list[dict[str, float]] | None
    key: str
    cached: bool

    def stored(self) -> dict[str, Any]:
        """What the cache keeps."""
        return {
            "text": self.text,
            "finish_reason": self.finish_reason,
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.completion_tokens,
            "top_logprobs": self.top_logprobs,
        }

    def entry(self, request: str) -> Entry:
        """What the cache is given; `request` is the canonical text of what was asked."""
        return Entry(self.key, request, self._json(), self.prompt_tokens, self.completion_tokens)

    def _json(self) -> str:
        """What the cache keeps, as JSON. orjson is many times as quick, but writes an infinite number as null."""
        if self.top_logprobs is None:
            try:
                return orjson.dumps(self.stored()).decode()
            except orjson.JSONEncodeError:
                pass  # lone surrogates, which UTF-8 does not have; escaped they come back as they came
        return json.dumps(self.stored())

    @classmethod
    def restored(cls, value: dict[str, Any], key: str) -> Reply:
        """A reply as the cache kept it."""
        return cls(**value, key=key, cached=True)

    @classmethod
    def from_openai(cls, payload: Any, key: str) -> Reply:
        """Read a /v1/chat/completions answer; raises ValueError naming what is missing."""
        try:
            choice = payload["choices"][0]
            text = choice["message"]["content"]
        except (KeyError, IndexError, TypeError) as error:
            raise ValueError("no choices[0].message.content") from error
        if not isinstance(text, str):
            raise ValueError(f"choices[0].message.content is {type(text).__name__}, not text")
        usage = payload.get("usage")
        usage = usage if isinstance(usage, dict) else {}
        return cls(
            text=text,
            finish_reason=str(choice.get("finish_reason") or ""),
            prompt_tokens=_count(usage.get("prompt_tokens")),
            completion_tokens=_count(usage.get("completion_tokens")),
            top_logprobs=_logprobs(choice.get("logprobs")),
            key=key,
            cached=False,
        )


def printable(text: str, limit: int = 200) -> str:
    """Somebody else's text on one line, fit for a terminal and a file: what can't be printed is replaced."""
    line = " ".join(text[: limit * 4].split())[:limit]
    return "".join("\ufffd" if unicodedata.category(char) in ("Cc", "Cs") else char for char in line)


def _count(value: Any) -> int:
    """A number of tokens; 0 where it is none that anybody can have paid."""
    return int(value) if isinstance(value, int | float) and 0 <= value <= _PAID else 0


def _logprobs(value: Any) -> list[dict[str, float]] | None:
    """Raises ValueError where they are not as in OpenAI's protocol."""
    if not value:
        return None
    positions = []
    try:
        for position in value.get("content") or []:
            best: dict[str, float] = {}
            for item in (
                position.get("top_logprobs") or []
            ):  # two token ids can spell the same text: the likelier counts
                token = str(item["token"])
                best[token] = max(float(item["logprob"]), best.get(token, float("-inf")))
            positions.append(best)
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError) as error:
        raise ValueError("choices[0].logprobs is not as asked for") from error
    return positions or None
