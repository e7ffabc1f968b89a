"""From a trained, measured student to a published version: the whole of publishing, in order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from factory.errors import HubError
from factory.evidence.records import AnyEvidence
from factory.publish.card import render
from factory.publish.changelog import Followed
from factory.publish.changelog import render as render_changelog
from factory.publish.hub import Hub
from factory.publish.package import Trained, describe, package
from factory.publish.versions import next_version
from factory.spec import Spec
from zoo.names import Version


@dataclass(frozen=True)
class Release:
    """What publishing came to.

    Attributes:
        name: `<vertical>/<task>`.
        version: `major.minor.patch`.
        where: the published folder or its address.
        new: False where the hub held the same content already, as this version.
    """

    name: str
    version: str
    where: str
    new: bool


def release(
    hub: Hub,
    trained: Trained,
    spec: Spec,
    dataset: Mapping[str, Any],
    evidence: Sequence[AnyEvidence],
    out: Path,
    *,
    follows: Followed | None = None,
    forced: bool = False,
) -> Release:
    """Choose the version, write card and changelog, package and publish; the same content is published once.

    Args:
        hub: where to.
        trained: the student.
        spec: what it is.
        dataset: the manifest of the dataset version it was trained on.
        evidence: every record there is.
        out: where the packaged folder is put; it stays, for reading the card.
        follows: the version that it follows; None: it is the first.
        forced: publish although the gate failed; the card says so.

    Raises:
        GateError: a failed gate without `forced`, or no figure of the student.
        HubError: the hub refused, can't be reached, or the labels changed without a new `major`; or the very same was
            published and yanked.
    """
    draft = describe(trained, spec, f"{spec.major}.0.0", forced=forced)
    render(draft, spec, dataset, evidence)  # a card that can't be written is found before the hub is asked
    published = [hub.manifest(spec.name, version) for version in hub.versions(spec.name)]
    version, new = next_version(published, draft, spec.major)
    if not new and (yank := hub.yanked(spec.name).get(Version.parse(version))):
        raise HubError(
            f"This is {spec.name}@{version} again, which was yanked: {yank.reason}",
            where=hub.address,
            fix="Change what it was yanked for; or take that back: "
            f"python -m factory yank {spec.name}@{version} --undo",
        )
    manifest = describe(trained, spec, version, forced=forced)
    card = render(manifest, spec, dataset, evidence)
    changelog = render_changelog(manifest, evidence, follows)
    records = [record.model_dump(mode="json") for record in evidence]
    package(trained, manifest, card=card, changelog=changelog, evidence=records, out=out)
    return Release(spec.name, version, hub.publish(out), new)
