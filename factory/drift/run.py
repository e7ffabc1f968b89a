"""Drift of a published specialist, by its name and an audit log: what the command and the scheduled flow call."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from factory import spec as specs
from factory.drift import measure, reference, traffic
from factory.drift.measure import Drift
from factory.errors import DataError
from factory.files import write_json
from factory.progress import Meter
from factory.settings import Settings
from factory.students.encoder import Encoder
from factory.teacher import weights
from zoo.audit.opening import opened
from zoo.audit.storage import Place


class NoDecisionsError(DataError):
    """The log holds no decision of the version."""


def run(
    asked: str, log: Place, settings: Settings, begins: datetime | None = None, alpha: float = measure.ALPHA
) -> tuple[Drift, Path]:
    """Measure, and keep what was found as `<home>/drift/<vertical>/<task>/<time>.json`.

    Args:
        asked: `<vertical>/<task>`, for the newest version in the hub, or one of them, `...@1.2.0`.
        log: the folder of the audit log, or the URL of its database.
        settings: where hub, datasets and specs are.
        begins: pass over earlier decisions.
        alpha: the chance of a false alarm; who looks at several logs at once shares it among them.

    Returns:
        the findings, and the file that holds them.

    Raises:
        NoDecisionsError: the log has no decision of the version.
        DataError, HubError: the log, the version or its dataset can't be read.
        SpecError: there is no spec of this name.
    """
    folder, manifest = reference.manifest_of(asked, settings)
    found = traffic.read(log, manifest.name, manifest.version, begins)
    where = opened(log).where  # which has no password
    if not found.decisions:
        there = ", ".join(f"{version} ({count})" for version, count in sorted(found.others.items()))
        raise NoDecisionsError(
            f"The log holds no decision of {manifest.id}" + (f" since {begins:%Y-%m-%d %H:%M} UTC." if begins else "."),
            where=where,
            fix=f"Ask about a version that answered: {manifest.name}@{there}." if there else "Let more time pass.",
        )
    spec = specs.load(manifest.name, settings.prompts)
    known = reference.read(folder, manifest, spec, settings, Meter("ask the version", "rows"))

    @cache
    def encoder() -> Encoder:
        source = str(weights.resolve(spec.student.encoder, settings))
        return Encoder.load(source, list(spec.labels), spec.student.max_tokens)

    drift = measure.measure(
        known, found, lambda texts: encoder().vectors(texts, Meter("read texts", "texts")), alpha=alpha
    )
    now = datetime.now(UTC)
    path = settings.home / "drift" / manifest.name / f"{now:%Y%m%dT%H%M%S%fZ}.json"
    write_json(path, {"time": now.isoformat(timespec="seconds"), "log": where, **drift.to_json()})
    return drift, path
