"""Starting the embedded hub server: over the hub's folder, on loopback, with a generated token to write."""

from __future__ import annotations

import contextlib
import secrets
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from factory.errors import ServiceError
from factory.files import explained
from factory.services.process import LOOPBACK
from factory.services.service import Service
from zoo.hub import is_server

if TYPE_CHECKING:
    import uvicorn

NAMESPACE = "zoo"


class HubServer(Service):
    """The server over the folder FACTORY_HUB names.

    Other machines' tools, and anything that reads the Hugging Face Hub, read through it what the factory published;
    the factory itself writes the folder and needs no server.
    """

    name, title, health = "hub", "The hub server", "/api/models"
    within = 60.0

    @property
    def root(self) -> Path:
        """The folder it serves; raises ServiceError where FACTORY_HUB is a server of its own."""
        if is_server(self._settings.hub):
            raise ServiceError(
                "FACTORY_HUB is a server already; there is no folder to serve.",
                where=self._settings.hub,
                fix="Set FACTORY_HUB to a folder, or leave it unset.",
            )
        return Path(self._settings.hub)

    def describe(self) -> str:
        """See Service.describe."""
        return f"{self.url}/{NAMESPACE}  serves {self.root}; the token to write is in {token_file(self.root)}"

    def _arguments(self) -> list[str]:
        return ["-m", "factory.services.hub", "--root", str(self.root), "--port", str(self._port)]


@dataclass(frozen=True)
class Running:
    """A server in this process.

    Attributes:
        endpoint: what HF_ENDPOINT would be.
        address: what FACTORY_HUB or ZOO_HUB would be: endpoint and namespace.
        token: what a client must send to write.
    """

    endpoint: str
    address: str
    token: str


@contextlib.contextmanager
def running(root: Path, *, port: int = 0, namespace: str = NAMESPACE) -> Iterator[Running]:
    """Serve a folder from a thread of this process for as long as the block lasts.

    Args:
        root: the folder hub's folder; it is made if it is not there.
        port: on loopback; 0: any free one.

    Raises:
        ServiceError: the port is in use.
    """
    import uvicorn

    try:
        listening = socket.create_server((LOOPBACK, port))
    except OSError as error:
        raise ServiceError(f"Port {port} is in use.", where=f"{LOOPBACK}:{port}", fix="Choose another one.") from error
    server = uvicorn.Server(config(root, port, namespace))
    thread = threading.Thread(target=server.run, args=([listening],), name="hub", daemon=True)
    with listening:
        thread.start()
        try:  # clients may connect already: they are answered as soon as the server accepts
            endpoint = f"http://{LOOPBACK}:{listening.getsockname()[1]}"
            yield Running(endpoint, f"{endpoint}/{namespace}", load_token(root))
        finally:
            server.should_exit = True
            thread.join()


def config(root: Path, port: int, namespace: str = NAMESPACE) -> uvicorn.Config:
    """How uvicorn serves a folder hub: on loopback only, without a line in the log for each request."""
    import uvicorn

    from factory.services.hub.app import application

    app = application(root, load_token(root), namespace=namespace, hosts=[LOOPBACK, "localhost"])
    return uvicorn.Config(app, host=LOOPBACK, port=port, log_level="warning", access_log=False, lifespan="off")


def token_file(root: Path) -> Path:
    """Where the token to write is kept, readable by its owner only."""
    return root / ".token"


def load_token(root: Path) -> str:
    """The token to write, drawn at the first call."""
    path = token_file(root)
    with explained(path):
        root.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f".token.{secrets.token_hex(4)}.part")
        if not path.exists():
            part.touch(mode=0o600, exist_ok=False)
            part.write_text(f"hub_{secrets.token_urlsafe(32)}")
            with contextlib.suppress(FileExistsError):
                path.hardlink_to(part)  # whole or not at all, and never over one that another process drew meanwhile
            part.unlink()
        return path.read_text()
