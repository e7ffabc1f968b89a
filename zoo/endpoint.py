"""A large model behind OpenAI's chat protocol: one question, one reply, in bounded time and of bounded size."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from zoo.errors import BadInput
from zoo.post import LARGEST, Post, garbage
from zoo.question import Question

CHAT = "/chat/completions"
_ROOM = 256  # tokens that a server's chat template may add around the messages


class Reply(NamedTuple):
    """What came.

    Attributes:
        text: the model's words.
        cost: by the endpoint's prices; None: the server did not say how many tokens it took.
    """

    text: str
    cost: float | None


class Endpoint:
    """An OpenAI-compatible server: vLLM, llama.cpp, a hosted model. Safe to use from several threads at once.

    Args:
        url: its address up to `/v1`.
        model: the model as the server calls it.
        key: sent as a bearer token; read it from the environment, not from a file in git.
        timeout: seconds until a reply must be there whole.
        max_tokens: a reply with a label is cut here, others by so many beyond what the specialist says they take; give
            models that think before they answer more.
        read_price, write_price: of a million tokens of the prompt and of the reply, in any money; a cascade's budget
            of cost counts in it.
        options: more keys of the request's body, or other values; None leaves one out:
            `{"max_tokens": None, "max_completion_tokens": 500}`.

    Raises:
        BadInput: not an address, or not a number.
    """

    def __init__(
        self,
        url: str,
        model: str,
        key: str = "",
        *,
        timeout: float = 30.0,
        max_tokens: int = 64,
        read_price: float = 0.0,
        write_price: float = 0.0,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        self._post = Post(url, key, timeout)
        self.url, self.model, self.timeout = self._post.url, model, timeout
        if isinstance(max_tokens, bool) or not isinstance(max_tokens, int) or max_tokens < 1:
            raise BadInput(f"max_tokens must be a whole number from 1, not {max_tokens!r}.")
        if not (read_price >= 0 and write_price >= 0):
            raise BadInput("Prices are numbers from 0.")
        self.max_tokens = max_tokens
        self.read_price, self.write_price = read_price, write_price
        self.options = dict(options or {})
        self._refused_keys: set[str] = set()  # that hold a reply to its form: refused, and the same taken without

    def __repr__(self) -> str:
        return f"<zoo.Endpoint {self.model} at {self.url}>"

    def most(self, question: Question, text: str) -> float:
        """The most that asking can cost: no tokenizer makes more tokens than there are bytes."""
        read = sum(len(one["content"].encode()) for one in question.chat(text)) + _ROOM
        room = self.max_tokens + question.room(text)
        limits = [room, *map(self.options.get, ("max_tokens", "max_completion_tokens"))]
        return self._price(read, max(one for one in limits if isinstance(one, int)))

    def ask(self, question: Question, text: str) -> Reply:
        """Ask once about a text.

        A server that knows `structured_outputs` (vLLM) is held to the choices, one that knows `response_format` to the
        JSON schema; one that refuses that is asked without.

        Raises:
            Unanswered: no reply in time, or none that can be read.
        """
        until = self._post.until()
        held = {key: value for key, value in _held(question).items() if key not in self._refused_keys}
        status, data, after = self._post.send(CHAT, self._body(question, text, held), until)
        if held and status in (400, 422):
            status, data, after = self._post.send(CHAT, self._body(question, text, {}), until)
            if status == 200:
                self._refused_keys |= set(held)
        if status != 200:
            raise self._post.refused(status, data, after)
        return self._read(data)

    def _body(self, question: Question, text: str, held: Mapping[str, Any]) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": self.model,
            "messages": question.chat(text),
            "temperature": 0,
            "max_tokens": self.max_tokens + question.room(text),
            **held,
            **self.options,
        }
        return {name: value for name, value in body.items() if value is not None}

    def _read(self, data: bytes) -> Reply:
        if len(data) > LARGEST:
            raise garbage(f"a reply of more than {LARGEST} bytes")
        try:
            value = json.loads(data)
            said = value["choices"][0]["message"]["content"]
        except (ValueError, KeyError, IndexError, TypeError, RecursionError) as error:
            raise garbage("a reply that is no chat completion") from error
        if not isinstance(said, str):
            raise garbage("a reply without words")
        usage = value.get("usage")
        counts = [_count(usage, name) for name in ("prompt_tokens", "completion_tokens")]
        return Reply(said, self._price(*counts) if min(counts) >= 0 else None)

    def _price(self, read: int, written: int) -> float:
        return (read * self.read_price + written * self.write_price) / 1e6


def _held(question: Question) -> dict[str, Any]:
    """What holds a reply to its form, as keys of the request's body: vLLM's own of choices, OpenAI's of JSON."""
    if question.choices:
        return {"structured_outputs": {"choice": list(question.choices)}}
    schema = {"name": "reply", "schema": question.schema, "strict": True}
    return {"response_format": {"type": "json_schema", "json_schema": schema}}


def _count(usage: Any, name: str) -> int:
    """A number of tokens; -1 where the server tells none."""
    value = usage.get(name) if isinstance(usage, dict) else None
    return value if type(value) is int and 0 <= value < 1 << 40 else -1
