"""Every step of a specialist's versions, with the answers that the builds of this machine keep of both."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from factory.errors import FactoryError
from factory.evidence.behaviour import Behaviour, compare
from factory.evidence.predictions import file_of, read_predictions
from factory.publish.changes import Change, change, data
from factory.settings import Settings
from factory.site.gather import Published, Specialist
from factory.stage import inputs_of
from factory.stages.publish import ANSWERS


def changes(specialist: Specialist, where: Settings) -> Iterator[Change]:
    """Every step, newest first."""
    for before, after in reversed(list(pairwise(specialist.versions))):
        problem, behaviour = "", None
        try:
            behaviour = _kept(specialist, where.builds / specialist.name, after)
        except (FactoryError, OSError) as error:
            problem = error.what if isinstance(error, FactoryError) else str(error)
        then, now = (one.manifest.lineage.get("dataset", "") for one in (before, after))
        yield change(before, after, data(specialist.name, then, now, where), behaviour, problem)


def _kept(specialist: Specialist, root: Path, after: Published) -> Behaviour | None:
    """What the publishing of a version left of its predecessor's answers, and its own; None where there is nothing.

    Raises:
        DataError: files that can't be read.
    """
    entries = specialist.book.entries
    for entry in reversed([one for one in entries if (one.stage, one.version) == ("publish", str(after.version))]):
        folder = root / entry.stage / entry.key
        if not (folder / ANSWERS).is_file():
            continue
        stage, _, key = str(inputs_of(folder).get("evaluate", "")).partition(":")
        ours = root / stage / key / file_of(after.who)
        if ours.is_file():
            return compare(read_predictions(folder / ANSWERS), read_predictions(ours), specialist.texts)
    return None
