"""Is a folder sound? What any hub demands of a specialist or a dataset version before it is published."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from factory.dataset.version import DatasetVersion, open_version
from factory.errors import DataError, HubError
from factory.files import file_sha256
from factory.publish.package import CHANGELOG, PAPERS
from zoo.errors import ZooError
from zoo.files import inside
from zoo.manifest import FILE, Manifest, verify
from zoo.names import Version


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


def sound_papers(folder: Path) -> None:
    """See that what people read is as the folder's manifest says, whether other files are there; raises HubError."""
    with said():
        manifest = Manifest.read(folder)
        for name in (*PAPERS, *([CHANGELOG] if CHANGELOG in manifest.files else [])):
            path, entry = inside(folder, name), manifest.files.get(name)
            if entry is None or not path.is_file():
                raise HubError(f"{manifest.id} has no {name}.", where=str(folder))
            if file_sha256(path) != entry.sha256:
                raise HubError(
                    f"{name} of {manifest.id} is not the file that was published.",
                    where=str(path),
                    fix="Do not rely on it; compare with a backup, and see who can write to the hub.",
                )


def not_there(name: str, version: Version, there: Iterable[Version], address: str) -> HubError:
    """The error of a version that a hub was to do something with, and does not hold."""
    return HubError(
        f"{name} has no version {version}.",
        where=address,
        fix=f"Use one of: {', '.join(map(str, there)) or 'none yet'}.",
    )


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
