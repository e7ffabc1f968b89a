"""JSON posted to a server: in bounded time, and with an answer of bounded size.

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
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from zoo.errors import BadInput, Unanswered

if TYPE_CHECKING:
    from http.client import HTTPConnection

LARGEST = 1 << 20
"""Bytes of an answer; one that is larger is not read."""
LONGEST_WAIT = 10.0
"""Seconds a server is obeyed that says when to ask again."""


class Post:
    """Whom JSON is posted to. Safe to use from several threads at once.

    Args:
        url: its address up to `/v1`.
        key: sent as a bearer token; empty: none is.
        timeout: seconds until an answer must be there whole.

    Raises:
        BadInput: not an address, a key that none has, or no number.
    """

    def __init__(self, url: str, key: str, timeout: float) -> None:
        self.url, self._key, self.timeout = url.rstrip("/"), key, timeout
        if not _address(self.url):
            raise BadInput(
                "This is not the address of an endpoint.", where=url, fix="Write http(s)://host:port/v1; the key apart."
            )
        if not key.isprintable() or not key.isascii():
            raise BadInput("The key holds characters that no key has.", fix="See that it has no line break at its end.")
        if not 0 < timeout < float("inf"):
            raise BadInput(f"timeout must be seconds above 0, not {timeout!r}.")
        self._secure: Any = None

    def until(self) -> float:
        """The time, on time.monotonic's clock, by which an answer that is asked for now must be there."""
        return time.monotonic() + self.timeout

    def send(self, path: str, body: Mapping[str, Any], until: float) -> tuple[int, bytes, float]:
        """Post to a path, once.

        Args:
            path: behind the address: `/chat/completions`.
            body: an object.
            until: see there.

        Returns:
            status, body (LARGEST bytes of it and one more), and the seconds after which to ask again.

        Raises:
            Unanswered: no answer in time, or none at all.
        """
        from http.client import HTTPException

        headers = {"Content-Type": "application/json", "Accept": "application/json", "Connection": "close"}
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        late, sent, timer = threading.Event(), False, None
        connection = self._connection()
        try:
            connection.sock = self._dial(until)
            # A socket's own timeout is for every piece alone; a server that sends a byte a second would never end.
            timer = threading.Timer(max(0.0, until - time.monotonic()), _cut, (connection.sock, late))
            timer.daemon = True
            timer.start()
            connection.request("POST", f"{urlsplit(self.url).path}{path}", json.dumps(body).encode(), headers)
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

    def refused(self, status: int, data: bytes, after: float) -> Unanswered:
        """What an answer comes to that is none: of a status other than 200."""
        said = data[:800].decode("utf-8", "replace")
        said = "".join(char if char.isprintable() else " " for char in said.replace(self._key or "\0", "***"))
        detail = f"HTTP {status}: {' '.join(said.split())[:200]}"
        if 300 <= status < 400:
            detail = f"HTTP {status}: it sends elsewhere, and redirects are not followed"
        if status in (400, 413, 422):  # this question, not the endpoint: too long, perhaps
            return Unanswered(detail, reason="fallback_refused", again=False, down=False)
        return Unanswered(detail, reason="fallback_down", again=status in (408, 429) or status >= 500, after=after)

    def _connection(self) -> HTTPConnection:
        from http.client import HTTPConnection, HTTPSConnection

        parts = urlsplit(self.url)
        host = str(parts.hostname)
        if parts.scheme == "http":
            return HTTPConnection(host, parts.port)
        if self._secure is None:
            import ssl

            self._secure = ssl.create_default_context()
        return HTTPSConnection(host, parts.port, context=self._secure)

    def _dial(self, until: float) -> socket.socket:
        """A connection, over TLS where the address says so; of several addresses each has its share of the time."""
        parts = urlsplit(self.url)
        host, port = str(parts.hostname), parts.port or (443 if parts.scheme == "https" else 80)
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        places = [(str(place[0]), int(place[1])) for *_, place in found]
        for number, place in enumerate(places, 1):
            left = (until - time.monotonic()) / (len(places) + 1 - number)
            try:
                sock = socket.create_connection(place, max(0.001, left))
                break
            except OSError:
                if number == len(places):
                    raise
        sock.settimeout(max(0.001, until - time.monotonic()))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return sock if self._secure is None else self._secure.wrap_socket(sock, server_hostname=host)

    def _late(self) -> str:
        return f"no whole reply within {self.timeout:g} seconds"


def _address(url: str) -> bool:
    """Whether it is one that can be posted to."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:  # brackets that do not close; a port that none is
        return False
    plain = not parts.username and not parts.query
    return parts.scheme in ("http", "https") and bool(parts.hostname) and port != 0 and plain


def garbage(what: str) -> Unanswered:
    """What an answer comes to that can't be read."""
    return Unanswered(what, reason="fallback_invalid", again=False, billed=True)


def _cut(connection: socket.socket, late: threading.Event) -> None:
    """End a connection that another thread is waiting on."""
    late.set()
    with suppress(OSError):  # it has ended by itself
        socket.socket.shutdown(connection, socket.SHUT_RDWR)


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"


def _seconds(value: str | None) -> float:
    """Retry-After in seconds, within reason; 0 where it is a date, or nothing."""
    return min(LONGEST_WAIT, float(value)) if value and value.isascii() and value.isdigit() else 0.0
