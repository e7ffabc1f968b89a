"""What answers under the name of a specialist."""

from __future__ import annotations

from abc import ABC, abstractmethod

from zoo.manifest import Manifest


class Named(ABC):
    """Has a manifest, and is called as that says."""

    @property
    @abstractmethod
    def manifest(self) -> Manifest:
        """What it is."""

    @property
    def name(self) -> str:
        """`<vertical>/<task>`."""
        return self.manifest.name

    @property
    def version(self) -> str:
        """`major.minor.patch`."""
        return self.manifest.version

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels, in the manifest's order."""
        return self.manifest.labels
