"""A large model of a few lines behind OpenAI's chat protocol, on a loopback port, that can misbehave; for tests."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

LIMIT = 1 << 20


class LargeModel:
    """A running server.

    Args:
        answer: from a request's body to the reply's words, or to how to fail: a status; `hang`, no answer; `drip`, one
            that never ends; `drop`, the connection is closed; `page`, a web page; `huge`, more than anybody reads;
            `cut`, half a completion; `deep`, brackets without end; `empty`, a completion without words; `moved`, a
            redirect to itself.

    Attributes:
        url: up to /v1.
        asked: (headers, body) of every request, in order of arrival.
        most: the most requests that were thought about at once.
    """

    def __init__(self, answer: Callable[[dict[str, Any]], str | int]) -> None:
        self.answer = answer
        self.asked: list[tuple[dict[str, str], dict[str, Any]]] = []
        self.most = self._now = 0
        self.closing = threading.Event()
        self._lock = threading.Lock()
        outer = self

        class Handler(_Handler):
            model = outer

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1"

    def __enter__(self) -> LargeModel:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()

    def enter(self, headers: dict[str, str], body: dict[str, Any]) -> None:
        with self._lock:
            self.asked.append((headers, body))
            self._now += 1
            self.most = max(self.most, self._now)

    def leave(self) -> None:
        with self._lock:
            self._now -= 1


class _Handler(BaseHTTPRequestHandler):
    model: LargeModel

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.model.enter(dict(self.headers), body)
        try:
            assert self.path == "/v1/chat/completions"
            said = self.model.answer(body)
        finally:
            self.model.leave()  # before the reply: who has it may ask the next question at once
        with suppress(OSError):  # who asked has gone
            self._say(said, body)

    def _say(self, said: str | int, body: dict[str, Any]) -> None:
        if isinstance(said, int):
            echo = {"error": {"message": f"made to fail with {said}; you sent {self.headers.get('Authorization')}"}}
            self._send(json.dumps(echo).encode(), said, {"Retry-After": "0"})
        elif said == "hang":
            self.model.closing.wait(30)
        elif said == "drip":
            self.send_response(200)
            self.end_headers()
            while not self.model.closing.is_set():
                self.wfile.write(b" ")
                time.sleep(0.01)
        elif said == "drop":
            self.connection.shutdown(socket.SHUT_RDWR)
        elif said == "page":
            self._send(b"<html>Welcome to nginx!</html>")
        elif said == "huge":
            self._send(b'{"choices": [{"message": {"content": "' + b"x" * LIMIT)
        elif said == "cut":
            self._send(_completion("positive", body)[:40])
        elif said == "deep":
            self._send(b"[" * 100_000)
        elif said == "empty":
            self._send(_completion(None, body))
        elif said == "moved":
            self._send(b"", 307, {"Location": f"{self.model.url}/elsewhere"})
        else:
            self._send(_completion(said, body))

    def _send(self, data: bytes, status: int = 200, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(data)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        pass


def _completion(words: str | None, body: dict[str, Any]) -> bytes:
    usage = {"prompt_tokens": 100, "completion_tokens": 10}
    message = {"role": "assistant", "content": words}
    return json.dumps({"model": body["model"], "choices": [{"message": message}], "usage": usage}).encode()
