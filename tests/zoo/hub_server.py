"""The reading half of the Hugging Face Hub's protocol over a folder hub, on a loopback port; for tests.

`<root>/<vertical>/<task>/<version>/` is served as repository `<namespace>/<vertical>-<task>`, tag `v<version>`;
`main` is the last of them.
"""

from __future__ import annotations

import hashlib
import json
import socket
import threading
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit


class HubServer:
    """A running server.

    Attributes:
        address: what `zoo.load(hub=...)` takes.
        requests: `METHOD path` of every request, in order.
        tokens: every Authorization header that was sent.
        page: if set, every request is answered with this web page.
        silent: as long as it is set, requests are taken in and not answered.
        tags: tags a listing tells of each model.
    """

    def __init__(self, root: Path, *, namespace: str) -> None:
        self.root, self.namespace = root, namespace
        self.requests: list[str] = []
        self.tokens: list[str] = []
        self.page = ""
        self.silent = False
        self.tags = ["specialist-zoo"]
        self.connections: list[socket.socket] = []
        outer = self

        class Handler(_Handler):
            hub = outer

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.endpoint = f"http://127.0.0.1:{self._server.server_port}"
        self.address = f"{self.endpoint}/{namespace}"

    def __enter__(self) -> HubServer:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        self._server.shutdown()
        for connection in self.connections:  # kept alive ones would go on being answered
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    hub: HubServer
    protocol_version = "HTTP/1.1"

    def setup(self) -> None:
        super().setup()
        self.hub.connections.append(self.connection)

    def log_message(self, *_: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        url = urlsplit(self.path)
        self.hub.requests.append(f"{self.command} {unquote(url.path)}")
        if "Authorization" in self.headers:
            self.hub.tokens.append(self.headers["Authorization"])
        while self.hub.silent:
            time.sleep(0.01)
        if self.hub.page:
            self._send(200, self.hub.page.encode(), {"Content-Type": "text/html"})
            return
        parts = [unquote(part) for part in url.path.strip("/").split("/")]
        match parts:
            case ["api", "models"]:
                author = parse_qs(url.query).get("author", [""])[0]
                models = [self._model(repo) for repo in self._repos()] if author == self.hub.namespace else []
                self._json(models)
            case ["api", "models", space, repo, "refs"] if self._known(space, repo):
                tags = [{"name": f"v{v}", "ref": f"refs/tags/v{v}", "targetCommit": _commit(v)} for v in self._of(repo)]
                self._json({"branches": [], "tags": tags, "converts": []})
            case ["api", "models", space, repo, ("revision" | "tree") as what, revision] if self._known(space, repo):
                folder = self._folder(repo, revision)
                if folder is None:
                    self._missing("RevisionNotFound")
                    return
                files = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
                siblings = [{"rfilename": name} for name in files]
                tree = [
                    {"type": "file", "path": name, "size": (folder / name).stat().st_size, "oid": "0"} for name in files
                ]
                self._json(
                    tree if what == "tree" else {**self._model(repo), "sha": _commit(folder.name), "siblings": siblings}
                )
            case [space, repo, "resolve", revision, *path] if self._known(space, repo):
                folder = self._folder(repo, revision)
                file = folder / "/".join(path) if folder else None
                if folder is None or file is None or not file.is_file():
                    self._missing("EntryNotFound")
                    return
                body = file.read_bytes()
                etag = hashlib.sha256(body).hexdigest()
                self._send(200, body, {"ETag": f'"{etag}"', "X-Repo-Commit": _commit(folder.name)})
            case _:
                self._missing("RepoNotFound")

    def _repos(self) -> list[str]:
        return sorted(f"{path.parent.name}-{path.name}" for path in self.hub.root.glob("*/*"))

    def _known(self, space: str, repo: str) -> bool:
        return space == self.hub.namespace and repo in self._repos()

    def _of(self, repo: str) -> list[str]:
        return [path.name for path in (self.hub.root / repo.replace("-", "/", 1)).iterdir()]

    def _folder(self, repo: str, revision: str) -> Path | None:
        newest = max(self._of(repo))
        for version in self._of(repo):
            if revision in (f"v{version}", _commit(version)) or (revision == "main" and version == newest):
                return self.hub.root / repo.replace("-", "/", 1) / version
        return None

    def _model(self, repo: str) -> dict[str, Any]:
        name = f"{self.hub.namespace}/{repo}"
        return {"_id": "1", "id": name, "modelId": name, "tags": self.hub.tags, "private": False, "downloads": 0}

    def _json(self, value: Any) -> None:
        self._send(200, json.dumps(value).encode(), {"Content-Type": "application/json"})

    def _missing(self, code: str) -> None:
        self._send(404, json.dumps({"error": code}).encode(), {"X-Error-Code": code})

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for key, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(key, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def _commit(version: str) -> str:
    return hashlib.sha1(version.encode(), usedforsecurity=False).hexdigest()
