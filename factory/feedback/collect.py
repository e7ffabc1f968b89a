"""Out of audit logs: what people corrected, what a specialist was not sure of, and whether production has drifted."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from factory.drift import run as drifting
from factory.drift import traffic
from factory.drift.measure import ALPHA, Drift
from factory.errors import DataError
from factory.feedback.kept import MOST, Feedback, by_id
from factory.files import read_jsonl
from factory.row import row_id
from factory.settings import Settings
from zoo.audit.export import REVIEWED, UNLABELLED, export
from zoo.audit.opening import opened
from zoo.audit.storage import Place
from zoo.errors import ZooError

_PART = ".export-"


@dataclass(frozen=True)
class Look:
    """What drift was found in one log.

    Attributes:
        log: its folder, or the URL of its database.
        drift: the findings.
        file: where they are kept.
    """

    log: Place
    drift: Drift
    file: Path

    @property
    def where(self) -> str:
        """The log's name; no password is in it."""
        return opened(self.log).where

    @property
    def tests(self) -> tuple[str, ...]:
        """The tests that found drift."""
        return tuple(one.test for one in self.drift.findings if one.verdict == "drift")


def exported(spec: str, logs: Sequence[Place], place: Path) -> tuple[Feedback, int]:
    """What the logs hold of a specialist, all versions; and how many wanted texts of any were not kept in them.

    Args:
        spec: `<vertical>/<task>`.
        logs: their folders, or the URLs of their databases.
        place: a folder in which the rows may lie for a moment: they are texts of production. Nobody else uses it now.

    Raises:
        DataError: a log can't be read, or was changed.
    """
    found, lost = Feedback(), 0
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    for left in place.glob(f"{_PART}*"):  # by one that was killed
        shutil.rmtree(left)
    with tempfile.TemporaryDirectory(dir=place, prefix=_PART) as into:
        for number, log in enumerate(logs):
            out = Path(into) / str(number)
            try:
                told = export(log, out, unsure=True, corrected=True)
            except ZooError as error:
                raise DataError(error.what, where=error.where or opened(log).where, fix=error.fix) from error
            lost += told.without_text
            parts = [
                by_id(read_jsonl(out / spec / name)) if (out / spec / name).exists() else {}
                for name in (REVIEWED, UNLABELLED)
            ]
            found = found.joined(Feedback(*parts))
    return found, lost


def drifts(
    version: str, logs: Sequence[Place], settings: Settings, begins: Mapping[str, datetime | None]
) -> list[Look]:
    """Measure drift in every log that holds decisions of a version.

    Args:
        version: `<vertical>/<task>@<version>`.
        logs: their folders, or the URLs of their databases.
        settings: as for factory.drift.run.
        begins: log (Look.where) to the moment before which its decisions are passed over.

    Raises:
        DataError, HubError, SpecError: as factory.drift.run.
    """
    found = []
    for log in logs:
        try:
            drift, file = drifting.run(version, log, settings, begins.get(opened(log).where), alpha=ALPHA / len(logs))
        except drifting.NoDecisionsError:
            continue
        found.append(Look(log, drift, file))
    return found


def drawn(version: str, looks: Sequence[Look], begins: Mapping[str, datetime | None]) -> Feedback:
    """A sample of the texts in which drift was found."""
    name, _, number = version.partition("@")
    texts = [
        text
        for look in looks
        if look.tests
        for text in traffic.read(look.log, name, number, begins.get(look.where)).sample.texts
    ]
    rows = [{"id": row_id(text), "text": text, "source": f"audit: {version}"} for text in dict.fromkeys(texts)]
    return Feedback(drawn=by_id(sorted(rows, key=lambda row: row["id"])[:MOST]))
