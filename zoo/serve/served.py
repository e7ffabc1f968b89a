"""What a service can serve: a specialist, a cascade, or a roll-out of two."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

from zoo.manifest import Manifest


class Served(Protocol):
    """What answers about texts, and has a manifest and a card."""

    @property
    def manifest(self) -> Manifest:
        """What it is."""
        ...

    @property
    def name(self) -> str:
        """`<vertical>/<task>`."""
        ...

    @property
    def version(self) -> str:
        """`major.minor.patch`."""
        ...

    @property
    def folder(self) -> Path:
        """Where its card is."""
        ...

    @property
    def batch_size(self) -> int | None:
        """Texts one run of its model takes; None: they are answered one by one."""
        ...

    def predict(self, text: Any) -> Any:
        """An answer, or a list of them."""
        ...
