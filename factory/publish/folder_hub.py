"""A hub that is a folder, the one the zoo reads; it needs no network and no server."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from factory.dataset.version import DatasetVersion, open_version
from factory.errors import FactoryError, HubError
from factory.files import explained
from factory.publish.package import content
from factory.publish.sound import not_there, said, sound_dataset, sound_papers, sound_specialist
from zoo.errors import UnknownSpecialist, VersionTaken
from zoo.folder_hub import FolderHub as Shelf
from zoo.manifest import FILE, Manifest, verify
from zoo.names import Version
from zoo.yanked import Yank

DATASETS = "datasets"


class FolderHub:
    """Specialists at `<root>/<vertical>/<task>/<version>/`, dataset versions at `<root>/datasets/...`.

    Args:
        root: the folder; it is made when the first version arrives.
    """

    def __init__(self, root: Path) -> None:
        self.root, self.address = root, str(root)
        self._shelf = Shelf(root)

    def versions(self, name: str) -> list[Version]:
        """The versions of a specialist, oldest first."""
        with self._explained():
            try:
                return self._shelf.versions(name)
            except UnknownSpecialist:
                return []

    def manifest(self, name: str, version: Version) -> Manifest:
        """The manifest of a published version."""
        with self._explained():
            return Manifest.read(self._shelf.pull(name, version))

    def yanked(self, name: str) -> dict[Version, Yank]:
        """Those of a specialist's versions that were taken back, and why."""
        with self._explained():
            return self._shelf.yanked(name)

    def yank(self, name: str, version: Version, reason: str) -> None:
        """Put the mark beside the version's folder."""
        with self._explained():
            if not self._shelf.has(name, version):
                raise not_there(name, version, self.versions(name), self.address)
            Yank(reason, datetime.now(UTC).isoformat(timespec="seconds")).write(self._shelf.mark(name, version))

    def unyank(self, name: str, version: Version) -> bool:
        """Take the mark away; False where there is none."""
        with self._explained():
            mark = self._shelf.mark(name, version)
            there = mark.exists()
            mark.unlink(missing_ok=True)
            return there

    def papers(self, name: str, version: Version, into: Path) -> Path:
        """The version's own folder."""
        with self._explained():
            folder = self._shelf.pull(name, version)
            sound_papers(folder)
            return folder

    def publish(self, folder: Path) -> str:
        """Copy a packaged specialist in; it appears by one rename, verified."""
        manifest = sound_specialist(folder)
        version = Version.parse(manifest.version)
        place = self._shelf.folder(manifest.name, version)
        with self._explained():
            try:
                with self._shelf.incoming(manifest.name, version) as part:
                    _copy(folder, part, manifest.files)
                    verify(part)
            except VersionTaken:
                if content(verify(place)) != content(manifest):
                    raise
        return str(place)

    def dataset_versions(self, name: str) -> list[str]:
        """The dataset versions of a specialist, sorted."""
        with self._explained():
            return sorted(path.parent.name for path in (self.root / DATASETS / name).glob(f"d-*/{FILE}"))

    def dataset(self, name: str, version: str, into: Path) -> DatasetVersion:
        """A published dataset version, where it lies."""
        with self._explained():
            return open_version(self.root / DATASETS / name / version)

    def publish_dataset(self, folder: Path) -> str:
        """Copy a dataset version in; it appears by one rename, verified. Its name is its content: no two differ."""
        dataset = sound_dataset(folder)
        place = self.root / DATASETS / dataset.name / dataset.version
        with self._explained(), _arriving(place) as part:
            if part is not None:
                _copy(folder, part, dataset.manifest["files"])
            sound_dataset(part or place)
        return str(place)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Whatever the disk does, as a HubError."""
        try:
            with said(), explained(self.root):
                yield
        except HubError:
            raise
        except FactoryError as error:
            raise HubError(error.what, where=error.where, fix=error.fix) from error
        except OSError as error:
            raise HubError(
                f"The hub's folder can't be used: {error.strerror or error}.",
                where=str(error.filename or self.root),
                fix="Set FACTORY_HUB to a folder this user can write.",
            ) from error


def _copy(source: Path, target: Path, files: Iterable[str]) -> None:
    """Copy what a manifest names, and the manifest last, through to the disk."""
    for name in [*files, FILE]:
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / name, target / name)
        with (target / name).open("rb") as file:
            os.fsync(file.fileno())


@contextmanager
def _arriving(place: Path) -> Iterator[Path | None]:
    """A hidden folder to fill, which becomes `place` by one rename; None where `place` is there already.

    The counterpart, for versions named by content, of the zoo's `incoming`: publishers take turns, so what a killed
    one left is found and filled again by the next, or removed where that publishes another version.
    """
    place.parent.mkdir(parents=True, exist_ok=True)
    part = place.with_name(f".incoming-{place.name}")
    with (place.parent / ".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for left in place.parent.glob(".incoming-*"):
            if left != part:
                shutil.rmtree(left, ignore_errors=True)
        if place.exists():
            yield None
            return
        try:
            part.mkdir(exist_ok=True)
            yield part
            part.rename(place)
        finally:
            shutil.rmtree(part, ignore_errors=True)
