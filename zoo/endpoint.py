"""A large model behind OpenAI's chat protocol: one question, one reply, in bounded time and of bounded size.

The standard library's HTTP client alone. No redirect is followed and no proxy asked, so the key goes to the address it
was given for and nowhere else.
"""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from zoo.errors import BadInput, Unanswered
from zoo.question import Question

if TYPE_CHECKING:
    from http.client import HTTPConnection

LARGEST = 1 << 20
"""Bytes of a reply; a label takes far fewer, and a larger one is not read."""
LONGEST_WAIT = 10.0
"""Seconds a server is obeyed that says when to ask again."""
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
        self.url, self.model, self._key = url.rstrip("/"), model, key
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query:
            raise BadInput(
                "This is not the address of an endpoint.", where=url, fix="Write http(s)://host:port/v1; the key apart."
            )
        if not key.isprintable() or not key.isascii():
            raise BadInput("The key holds characters that no key has.", fix="See that it has no line break at its end.")
        if not 0 < timeout < float("inf"):
            raise BadInput(f"timeout must be seconds above 0, not {timeout!r}.")
        if isinstance(max_tokens, bool) or not isinstance(max_tokens, int) or max_tokens < 1:
            raise BadInput(f"max_tokens must be a whole number from 1, not {max_tokens!r}.")
        if not (read_price >= 0 and write_price >= 0):
            raise BadInput("Prices are numbers from 0.")
        self.timeout, self.max_tokens = timeout, max_tokens
        self.read_price, self.write_price = read_price, write_price
        self.options = dict(options or {})
        self._refused_keys: set[str] = set()  # that hold a reply to its form: refused, and the same taken without
        self._secure: Any = None

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
        until = time.monotonic() + self.timeout
        held = {key: value for key, value in _held(question).items() if key not in self._refused_keys}
        status, data, after = self._post(self._body(question, text, held), until)
        if held and status in (400, 422):
            status, data, after = self._post(self._body(question, text, {}), until)
            if status == 200:
                self._refused_keys |= set(held)
        if status != 200:
            raise self._refused(status, data, after)
        return self._read(data)

    def _body(self, question: Question, text: str, held: Mapping[str, Any]) -> bytes:
        body: dict[str, Any] = {
            "model": self.model,
            "messages": question.chat(text),
            "temperature": 0,
            "max_tokens": self.max_tokens + question.room(text),
            **held,
            **self.options,
        }
        return json.dumps({name: value for name, value in body.items() if value is not None}).encode()

    def _post(self, body: bytes, until: float) -> tuple[int, bytes, float]:
        """Status, body (LARGEST bytes of it and one more), and the seconds after which to ask again."""
        from http.client import HTTPException

        headers = {"Content-Type": "application/json", "Accept": "application/json", "Connection": "close"}
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        late, sent, timer = threading.Event(), False, None
        connection = self._connection(until)
        try:
            connection.connect()
            # A socket's own timeout is for every piece alone; a server that sends a byte a second would never end.
            timer = threading.Timer(max(0.0, until - time.monotonic()), _cut, (connection.sock, late))
            timer.daemon = True
            timer.start()
            connection.request("POST", f"{urlsplit(self.url).path}/chat/completions", body, headers)
            sent = True
            answer = connection.getresponse()
            data = answer.read(LARGEST + 1)
            after = _seconds(answer.headers.get("Retry-After"))
        except (OSError, HTTPException, ValueError) as error:  # ValueError: of a socket cut while it was read
            detail = self._late() if late.is_set() or isinstance(error, TimeoutError) else _words(error)
            raise Unanswered(detail, reason="fallback_down", again=True, billed=sent) from error
        finally:
            if timer is not None:
                timer.cancel()
            connection.close()
        if late.is_set():
            raise Unanswered(self._late(), reason="fallback_down", again=True, billed=True)
        return answer.status, data, after

    def _connection(self, until: float) -> HTTPConnection:
        from http.client import HTTPConnection, HTTPSConnection

        parts, left = urlsplit(self.url), max(0.001, until - time.monotonic())
        host = str(parts.hostname)
        if parts.scheme == "http":
            return HTTPConnection(host, parts.port, timeout=left)
        if self._secure is None:
            import ssl

            self._secure = ssl.create_default_context()
        return HTTPSConnection(host, parts.port, timeout=left, context=self._secure)

    def _late(self) -> str:
        return f"no whole reply within {self.timeout:g} seconds"

    def _refused(self, status: int, data: bytes, after: float) -> Unanswered:
        said = data[:800].decode("utf-8", "replace")
        said = "".join(char if char.isprintable() else " " for char in said.replace(self._key or "\0", "***"))
        detail = f"HTTP {status}: {' '.join(said.split())[:200]}"
        if 300 <= status < 400:
            detail = f"HTTP {status}: it sends elsewhere, and redirects are not followed"
        if status in (400, 413, 422):  # this question, not the endpoint: too long, perhaps
            return Unanswered(detail, reason="fallback_refused", again=False, down=False)
        return Unanswered(detail, reason="fallback_down", again=status in (408, 429) or status >= 500, after=after)

    def _read(self, data: bytes) -> Reply:
        if len(data) > LARGEST:
            raise _garbage(f"a reply of more than {LARGEST} bytes")
        try:
            value = json.loads(data)
            said = value["choices"][0]["message"]["content"]
        except (ValueError, KeyError, IndexError, TypeError, RecursionError) as error:
            raise _garbage("a reply that is no chat completion") from error
        if not isinstance(said, str):
            raise _garbage("a reply without words")
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


def _cut(connection: socket.socket, late: threading.Event) -> None:
    """End a connection that another thread is waiting on."""
    late.set()
    with suppress(OSError):  # it has ended by itself
        socket.socket.shutdown(connection, socket.SHUT_RDWR)


def _count(usage: Any, name: str) -> int:
    """A number of tokens; -1 where the server tells none."""
    value = usage.get(name) if isinstance(usage, dict) else None
    return value if type(value) is int and 0 <= value < 1 << 40 else -1


def _garbage(what: str) -> Unanswered:
    return Unanswered(what, reason="fallback_invalid", again=False, billed=True)


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"


def _seconds(value: str | None) -> float:
    """Retry-After in seconds, within reason; 0 where it is a date, or nothing."""
    return min(LONGEST_WAIT, float(value)) if value and value.isascii() and value.isdigit() else 0.0
