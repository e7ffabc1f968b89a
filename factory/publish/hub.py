"""Where specialists and dataset versions are published: one interface, a folder or a server behind it.

Addresses are those of `zoo.open_hub`:
    a folder                    `<root>/<vertical>/<task>/<version>/`, datasets under `<root>/datasets/`
    hf:<namespace>              the Hugging Face Hub (or what HF_ENDPOINT names)
    http(s)://host/<namespace>  any server that speaks its protocol
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from factory.dataset.version import DatasetVersion, open_version
from factory.errors import DataError, HubError
from zoo.errors import ZooError
from zoo.hub import is_server
from zoo.manifest import FILE, Manifest, verify
from zoo.names import Version


class Hub(Protocol):
    """What holds published versions. A version is there whole or not at all, and never changes.

    Every method raises HubError, and nothing else, for what a hub may do wrong.
    """

    address: str

    def versions(self, name: str) -> list[Version]:
        """The versions of a specialist, oldest first; none where nothing was published."""
        ...

    def manifest(self, name: str, version: Version) -> Manifest:
        """The manifest of a published version."""
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


def latest(hub: Hub, name: str) -> Manifest | None:
    """The manifest of the newest published version, or None."""
    versions = hub.versions(name)
    return hub.manifest(name, versions[-1]) if versions else None


def sound_specialist(folder: Path) -> Manifest:
    """The manifest of a specialist whose every file is as promised; raises HubError. No hub takes another."""
    with said():
        manifest = verify(folder)
        _no_strangers(folder, manifest.files)
        return manifest


def sound_dataset(folder: Path) -> DatasetVersion:
    """The dataset version, verified; raises HubError."""
    with said():
        version = open_version(folder)
        _no_strangers(folder, version.manifest["files"])
        return version


@contextmanager
def said() -> Iterator[None]:
    """Errors of the zoo and of datasets, as the one family that publishing raises."""
    try:
        yield
    except (ZooError, DataError) as error:
        raise HubError(error.what, where=error.where, fix=error.fix) from error


def _no_strangers(folder: Path, files: Iterable[str]) -> None:
    """A file that no manifest names would be published unsealed; refuse it."""
    named = {FILE, *files}
    strangers = sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if not path.is_dir() and path.relative_to(folder).as_posix() not in named
    )
    if strangers:
        raise HubError(
            f"The manifest does not name {', '.join(strangers[:3])}.",
            where=str(folder),
            fix="Package the folder again; everything in it is published, and everything published is sealed.",
        )
