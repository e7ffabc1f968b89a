"""Dataset versions by the names people give them, wherever they lie: the builds' folders, then the hub."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from factory.dataset.version import DatasetVersion, open_version
from factory.errors import DataError, HubError
from factory.files import read_json
from factory.publish.hub import Hub, open_hub
from factory.publish.sound import said
from factory.settings import Settings
from zoo.names import Version, check_name

_DATASET = re.compile(r"(?:d-)?[0-9a-f]{1,12}")
_MODEL = re.compile(r"\d+\.\d+\.\d+")


@dataclass(frozen=True)
class Known:
    """The dataset versions of one specialist.

    Attributes:
        built: version to its folder among the builds.
        published: versions the hub holds.
        unheard: why the hub's are not known; empty where they are.
    """

    built: dict[str, Path]
    published: list[str]
    unheard: str = ""

    @property
    def versions(self) -> list[str]:
        """All of them, sorted."""
        return sorted({*self.built, *self.published})


def known(name: str, settings: Settings) -> Known:
    """Every dataset version of a specialist that can be found; a hub that can't be reached is no error."""
    built: dict[str, Path] = {}
    for folder in sorted((settings.builds / name / "dataset").glob("[!.]*")):
        built.setdefault(read_json(folder / "manifest.json")["version"], folder)
    try:
        return Known(built, open_hub(settings.hub, settings.hub_token).dataset_versions(name))
    except HubError as error:
        return Known(built, [], error.what)


def find(reference: str, settings: Settings, into: Path, name: str = "") -> DatasetVersion:
    """Open a dataset version.

    Args:
        reference: `d-1a2b3c`, whole or its beginning, or the version of a published specialist, `1.0.0`, for what it
            was trained on; with or without `<vertical>/<task>@` before it.
        settings: where builds and hub are.
        into: an empty folder, for what must be downloaded.
        name: the specialist, for references without one.

    Raises:
        DataError: no such name, nothing or several versions begin so; it lists those there are.
        HubError: what is on the hub only can't be got.
    """
    of, _, wanted = reference.rpartition("@")
    name = of or name
    if not name:
        raise DataError(
            f"{reference!r} does not say of which specialist.", fix=f"Write <vertical>/<task>@{wanted or 'd-...'}."
        )
    with said():
        check_name(name)
    hub = open_hub(settings.hub, settings.hub_token)
    if _MODEL.fullmatch(wanted):
        wanted = _trained_on(hub, name, Version.parse(wanted))
    there = known(name, settings)
    begins = wanted if wanted.startswith("d-") else f"d-{wanted}"
    fits = [version for version in there.versions if version.startswith(begins)] if _DATASET.fullmatch(wanted) else []
    if len(fits) != 1:
        listed = ", ".join(there.versions) or "none yet"
        note = f" The hub could not be asked: {there.unheard}" if there.unheard else ""
        raise DataError(
            f"{len(fits)} dataset versions of {name} begin with {wanted!r}."
            if fits
            else f"{name} has no dataset version {wanted!r}.",
            where=f"{settings.builds / name / 'dataset'}, {settings.hub}",
            fix=f"Use one of: {', '.join(fits) if fits else listed}.{note}",
        )
    if fits[0] in there.built:
        return open_version(there.built[fits[0]])
    return hub.dataset(name, fits[0], into / fits[0])


def _trained_on(hub: Hub, name: str, version: Version) -> str:
    """The dataset version that a published specialist was trained on."""
    published = hub.versions(name)
    if version not in published:
        raise DataError(
            f"{name} has no published version {version}.",
            where=hub.address,
            fix=f"Use one of: {', '.join(map(str, published)) or 'none yet'}; or a dataset version, d-...",
        )
    return hub.manifest(name, version).lineage["dataset"]
