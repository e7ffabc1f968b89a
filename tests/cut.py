"""A way to a server that ends where it hurts most."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from pathlib import Path


class Way:
    """Passes bytes on from a port of the loopback to a server's socket.

    Attributes:
        port: where it listens.
        word: a message of the client's that holds these bytes is passed on, and its reply is not: connections end.
            b"": none does.
        shut: from then on nobody gets through any more; once a connection was cut with `shuts`, it is.
    """

    def __init__(self, server: Path) -> None:
        self._server = server
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self.word, self.shuts, self.shut, self.cuts = b"", False, False, 0
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listening.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                if self.shut:
                    client.close()
                    continue
                server = socket.socket(socket.AF_UNIX)
                server.connect(str(self._server))
                pair = _Pair(client, server)
                threading.Thread(target=self._there, args=(pair,), daemon=True).start()
                threading.Thread(target=pair.back, daemon=True).start()

    def _there(self, pair: _Pair) -> None:
        with suppress(OSError):
            while data := pair.client.recv(65536):
                cut = bool(self.word) and self.word in data
                if cut:
                    pair.deaf.set()
                    self.cuts += 1
                    self.word, self.shut = b"", self.shuts
                pair.server.sendall(data)
                if cut:
                    pair.answered.wait(0.5)  # what has begun in a pipeline is not answered yet
                    break
        pair.end()


class _Pair:
    """A client's connection, and the one to the server that is made for it."""

    def __init__(self, client: socket.socket, server: socket.socket) -> None:
        self.client, self.server = client, server
        self.deaf, self.answered = threading.Event(), threading.Event()

    def back(self) -> None:
        with suppress(OSError):
            while data := self.server.recv(65536):
                if self.deaf.is_set():
                    self.answered.set()
                    break
                self.client.sendall(data)
        self.end()

    def end(self) -> None:
        for one in (self.client, self.server):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
