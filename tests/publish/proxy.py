"""A reverse proxy, as it stands between the hub's server and other machines."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

OWN = {"host", "connection", "transfer-encoding", "content-length", "x-forwarded-host", "x-forwarded-proto"}


@contextmanager
def proxied(endpoint: str) -> Iterator[tuple[str, list[str]]]:
    """Its address, and what was asked through it: `PUT /lfs/...`.

    Args:
        endpoint: of the server behind it, which is told that it was asked by its own name, and by X-Forwarded-Host and
            -Proto what the proxy was.
    """
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def forward(self) -> None:
            asked.append(f"{self.command} {self.path}")
            kept = {name: value for name, value in self.headers.items() if name.lower() not in OWN}
            told = {"X-Forwarded-Host": self.headers["host"], "X-Forwarded-Proto": "http", "Host": "127.0.0.1"}
            behind = http.client.HTTPConnection(endpoint.removeprefix("http://"), timeout=30)
            behind.request(self.command, self.path, self.body(), kept | told)
            answer = behind.getresponse()
            content = answer.read()
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in OWN or self.command == "HEAD":
                    self.send_header(name, value)
            if self.command != "HEAD":
                self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)
            behind.close()

        do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = forward  # noqa: N815  (http.server calls them so)

        def body(self) -> bytes:
            if self.headers.get("transfer-encoding") != "chunked":
                return self.rfile.read(int(self.headers.get("content-length") or 0))
            found = b""
            while size := int(self.rfile.readline(), 16):
                found += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return found

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://localhost:{server.server_port}", asked
        server.shutdown()
