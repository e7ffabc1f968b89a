"""A hub that is a folder: `<root>/<vertical>/<task>/<version>/`; it needs no network and no server.

What the folders are called is all the bookkeeping there is, but for versions that were taken back: beside the folder
of such a one lies `<version>.yanked.json` (zoo.yanked). A version's folder appears by one rename, whole, and is never
changed.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from zoo.errors import BadName, UnknownSpecialist, UnknownVersion, VersionTaken, unwritable
from zoo.manifest import FILE
from zoo.names import NAME, Version, check_name
from zoo.yanked import FILE as YANKED
from zoo.yanked import Yank

_INCOMING = ".incoming-"
_ABANDONED = 24 * 3600  # seconds after which a half-made folder belongs to nobody


class FolderHub:
    """Specialists below one folder.

    Args:
        root: the folder; it is made when the first version arrives.
    """

    def __init__(self, root: str | Path) -> None:
        self.root = Path(root)
        self.address = str(self.root)

    def names(self) -> list[str]:
        """The names it holds, sorted."""
        found = (f"{path.parent.name}/{path.name}" for path in self.root.glob("*/*") if path.is_dir())
        return sorted(name for name in found if NAME.fullmatch(name) and self._versions(name))

    def versions(self, name: str) -> list[Version]:
        """The versions of a specialist, oldest first; raises UnknownSpecialist where there is none."""
        found = self._versions(name)
        if not found:
            raise UnknownSpecialist(f"There is no specialist named {name!r}.", where=self.address)
        return found

    def has(self, name: str, version: Version) -> bool:
        """Whether the version is there."""
        return (self.folder(name, version) / FILE).is_file()

    def pull(self, name: str, version: Version) -> Path:
        """The version's own folder, to be read only; raises UnknownVersion."""
        if not self.has(name, version):
            raise UnknownVersion(f"{name} has no version {version}.", where=self.address)
        return self.folder(name, version)

    def yanked(self, name: str) -> dict[Version, Yank]:
        """Those of a specialist's versions that were taken back, and why."""
        marks = {version: self.mark(name, version) for version in self._versions(name)}
        return {version: Yank.read(mark) for version, mark in marks.items() if mark.is_file()}

    def mark(self, name: str, version: Version) -> Path:
        """The file that is there where a version was taken back; raises BadName."""
        return self.root / check_name(name) / f"{version}.{YANKED}"

    def remember(self, name: str, marks: Mapping[Version, Yank]) -> None:
        """Make these a specialist's marks, of versions that are not there yet, too; raises CannotWrite, OSError."""
        kept = {self.mark(name, version): yank for version, yank in marks.items()}
        for path in (self.root / check_name(name)).glob(f"*.{YANKED}"):
            if path not in kept:
                path.unlink(missing_ok=True)
        for path, yank in kept.items():
            if not path.exists() or Yank.read(path) != yank:
                path.parent.mkdir(parents=True, exist_ok=True)
                yank.write(path)

    def folder(self, name: str, version: Version) -> Path:
        """Where a version is, or would be; raises BadName."""
        return self.root / check_name(name) / str(version)

    @contextmanager
    def incoming(self, name: str, version: Version) -> Iterator[Path]:
        """An empty folder to fill with a new version, manifest.json included.

        On leaving it becomes the version by one rename; where an error leaves, or the process is killed, the hub is
        as it was.

        Raises:
            VersionTaken: the version is there already.
            CannotWrite: the disk is full, or the hub can't be written.
        """
        place = self.folder(name, version)
        if place.exists():
            raise _taken(name, version, place)
        part: Path | None = None
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            _sweep(place.parent)
            part = Path(tempfile.mkdtemp(prefix=_INCOMING, dir=place.parent))
            yield part
            part.chmod(0o755)  # mkdtemp's folders open for one user only
            try:
                part.rename(place)
            except OSError as error:
                if place.exists():
                    raise _taken(name, version, place) from error
                raise
        except OSError as error:
            if trouble := unwritable(error, str(place)):
                raise trouble from error
            raise
        finally:
            if part is not None:
                shutil.rmtree(part, ignore_errors=True)

    def _versions(self, name: str) -> list[Version]:
        found = []
        for manifest in (self.root / check_name(name)).glob(f"*/{FILE}"):
            try:
                found.append(Version.parse(manifest.parent.name))
            except BadName:
                continue  # not a version's folder: something on its way, or not ours
        return sorted(found)


def _taken(name: str, version: Version, place: Path) -> VersionTaken:
    return VersionTaken(
        f"{name} {version} is in the hub already; a version never changes.",
        where=str(place),
        fix="Publish under the next version.",
    )


def _sweep(folder: Path) -> None:
    """Remove what killed processes left behind long ago."""
    for part in folder.glob(f"{_INCOMING}*"):
        with suppress(FileNotFoundError):  # another process has swept it, or put its own in place, meanwhile
            if time.time() - part.stat().st_mtime > _ABANDONED:
                shutil.rmtree(part, ignore_errors=True)
