"""Where specialists and dataset versions are published: one interface, a folder or a server behind it.

Addresses are those of `zoo.open_hub`:
    a folder                    `<root>/<vertical>/<task>/<version>/`, datasets under `<root>/datasets/`
    hf:<namespace>              the Hugging Face Hub (or what HF_ENDPOINT names)
    http(s)://host/<namespace>  any server that speaks its protocol
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from factory.dataset.version import DatasetVersion
from zoo.hub import is_server
from zoo.manifest import Manifest
from zoo.names import Version
from zoo.yanked import Yank


class Hub(Protocol):
    """What holds published versions. A version is there whole or not at all, and never changes; it can be yanked.

    Every method raises HubError, and nothing else, for what a hub may do wrong.
    """

    address: str

    def versions(self, name: str) -> list[Version]:
        """The versions of a specialist, oldest first; none where nothing was published."""
        ...

    def manifest(self, name: str, version: Version) -> Manifest:
        """The manifest of a published version."""
        ...

    def yanked(self, name: str) -> Mapping[Version, Yank]:
        """Those of a specialist's versions that were taken back, and why; none where nothing was published."""
        ...

    def yank(self, name: str, version: Version, reason: str) -> None:
        """Take a version back: from now on it is given only to who asks for its whole number, with the reason.

        The semantics are zoo.yanked's. The version and its number stay. Yanked again, it has the newer reason.
        """
        ...

    def unyank(self, name: str, version: Version) -> bool:
        """Take the mark away; False where there is none."""
        ...

    def papers(self, name: str, version: Version, into: Path) -> Path:
        """A folder with a version's manifest, card and evidence, proven by the manifest; perhaps without its weights.

        Args:
            into: an empty folder, for what must be downloaded.
        """
        ...

    def publish(self, folder: Path) -> str:
        """Publish a packaged specialist under the name and version of its manifest; returns where it is.

        Publishing again what is there already changes nothing and succeeds, so that a run killed right after
        publishing can be started again.
        """
        ...

    def dataset_versions(self, name: str) -> list[str]:
        """The dataset versions of a specialist, in no particular order."""
        ...

    def dataset(self, name: str, version: str, into: Path) -> DatasetVersion:
        """A published dataset version, proven: where it lies, or downloaded into the folder `into`."""
        ...

    def publish_dataset(self, folder: Path) -> str:
        """Publish a dataset version under its name and version; returns where it is."""
        ...


def open_hub(address: str, token: str = "") -> Hub:
    """The hub at an address; reaches for nothing yet.

    Args:
        address: see the module.
        token: for a server; empty: for `hf:` the one huggingface_hub finds by itself, else none.

    Raises:
        HubError: not the address of a hub.
    """
    if is_server(address):
        from factory.publish.remote_hub import RemoteHub

        return RemoteHub(address, token)
    from factory.publish.folder_hub import FolderHub

    return FolderHub(Path(address).expanduser())
