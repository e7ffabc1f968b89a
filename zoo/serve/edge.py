"""What every request passes before it is read: by which name, how large; and what goes with every answer."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Collection

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from zoo.serve.problem import Problem, response

_PORT = re.compile(r":[0-9]*\Z")
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",  # answers are about people's texts
}


class Edge:
    """An ASGI middleware.

    Args:
        app: what is behind it.
        hosts: names the service answers to, and whose pages may ask it; None: any. A page of the web can send requests
            to this machine, or point a name of its own at it; but it can't say that it comes from elsewhere.
        body: bytes of a request.
        seconds: until a request must be there whole.
    """

    def __init__(self, app: ASGIApp, hosts: Collection[str] | None, body: int, seconds: float) -> None:
        self._app, self._hosts, self._body, self._seconds = app, hosts, body, seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or refuse."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        read, whole, until = 0, False, asyncio.get_running_loop().time() + self._seconds

        async def counted() -> Message:
            nonlocal read, whole
            try:
                async with asyncio.timeout_at(None if whole else until):
                    message = await receive()
            except TimeoutError:
                raise Problem(408, f"The request was not there whole within {self._seconds:g} s.") from None
            whole = not message.get("more_body", False)
            read += len(message.get("body", b""))
            if read > self._body:
                raise self._large()
            return message

        async def dressed(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        headers = Headers(scope=scope)
        if refused := self._refused(headers):
            await response(refused)(scope, receive, dressed)
        else:
            await self._app(scope, counted, dressed)

    def _refused(self, headers: Headers) -> Problem | None:
        fix = "Ask by one of its names; whoever runs it can add one, or give it a file of keys."
        if self._hosts is not None:
            if self._named(headers.get("host", "")) not in self._hosts:
                return Problem(421, "The service does not answer to this name.", where="Host", fix=fix)
            origin = headers.get("origin")
            if origin is not None and self._named(origin.partition("://")[2]) not in self._hosts:
                return Problem(403, "Pages of other sites may not ask here.", where="Origin", fix=fix)
        length = headers.get("content-length", "")
        return self._large() if length.isdecimal() and int(length) > self._body else None

    @staticmethod
    def _named(place: str) -> str:
        return _PORT.sub("", place).lower()

    def _large(self) -> Problem:
        return Problem(413, f"A request may have {self._body} bytes.", fix="Send fewer texts in one request.")
