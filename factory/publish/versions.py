"""Which version a specialist gets: major when labels change, minor when data changes, patch when only training does."""

from __future__ import annotations

from collections.abc import Iterable

from factory.errors import HubError
from factory.publish.package import content
from zoo.manifest import Manifest
from zoo.names import Version


def next_version(published: Iterable[Manifest], candidate: Manifest, major: int) -> tuple[str, bool]:
    """The version to publish a candidate as, and whether it is a new one.

    Args:
        published: every version the hub holds of it.
        candidate: what is to be published; its own version is not looked at.
        major: the spec's `major`.

    Returns:
        (version, new). The same content is never published twice: where the hub holds it already, its version
        comes back with new = False.

    Raises:
        HubError: the labels differ from those this major version stands for.
    """
    line = sorted(
        (manifest for manifest in published if Version.parse(manifest.version).major == major),
        key=lambda manifest: Version.parse(manifest.version),
    )
    wanted = content(candidate)
    for manifest in line:
        if content(manifest) == wanted:
            return manifest.version, False
    if not line:
        return str(Version(major, 0, 0)), True
    latest, number = line[-1], Version.parse(line[-1].version)
    if latest.labels != candidate.labels:
        changed = sorted(set(latest.labels) ^ set(candidate.labels))
        raise HubError(
            f"The labels are not those of version {latest.version}: "
            + (f"{', '.join(changed)} came or went." if changed else "their order changed."),
            where=candidate.name,
            fix=f"Applications rely on the labels of {major}.x: write `major: {major + 1}` in spec.yaml.",
        )
    if latest.lineage.get("dataset") != candidate.lineage.get("dataset"):
        return str(Version(major, number.minor + 1, 0)), True
    return str(Version(major, number.minor, number.patch + 1)), True
