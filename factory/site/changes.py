"""What sets a version apart from the one before it: data, figures, behaviour."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from factory.dataset.diff import diff
from factory.dataset.version import SPLITS, DatasetVersion
from factory.errors import FactoryError
from factory.evidence.records import Comparison, Record
from factory.evidence.report import FIRST
from factory.lineage.versions import find
from factory.publish.compare import name_of
from factory.settings import Settings
from factory.site.behaviour import Behaviour, between
from factory.site.gather import Published, Specialist

LABELS = 8
"""As many labels are told whose rows became more or fewer."""
MADE = ("teacher", "encoder", "base", "budget", "spec")
"""What of a manifest's lineage is compared; its dataset is compared row by row."""
CALIBRATION = ("ece",)


@dataclass(frozen=True)
class Data:
    """What sets two dataset versions apart.

    Attributes:
        before, after: their names.
        rows: how many either has.
        removed, added, changed: rows that only one has; texts of both with another label, weight or the like.
        parts: what of the changed is another, how often.
        labels: label and its rows before and after, the largest change first; not more than LABELS.
        others: how many labels changed besides.
        problem: why nothing of that is known; empty where it is.
    """

    before: str
    after: str
    rows: tuple[int, int] = (0, 0)
    removed: int = 0
    added: int = 0
    changed: int = 0
    parts: tuple[tuple[str, int], ...] = ()
    labels: tuple[tuple[str, int, int], ...] = ()
    others: int = 0
    problem: str = ""


@dataclass(frozen=True)
class Figure:
    """A metric before and after.

    Attributes:
        paired: the difference with its interval, from answers to the same rows; None where that was not measured.
        same: whether both were measured on the very same rows.
    """

    metric: str
    before: Record
    after: Record
    paired: Comparison | None
    same: bool


@dataclass(frozen=True)
class Change:
    """From one version to the next.

    Attributes:
        came, went: labels.
        made: what it was made from that is another: name, before, after.
        data: None where the dataset is the same.
        behaviour: None where the builds do not tell.
        problem: why the behaviour can't be read; empty.
    """

    before: Published
    after: Published
    came: list[str]
    went: list[str]
    made: list[tuple[str, str, str]]
    data: Data | None
    figures: list[Figure]
    behaviour: Behaviour | None
    problem: str = ""


def changes(specialist: Specialist, where: Settings) -> Iterator[Change]:
    """Every step of a specialist's versions, newest first."""
    for before, after in reversed(list(pairwise(specialist.versions))):
        old, new = before.manifest, after.manifest
        problem, behaviour = "", None
        try:
            behaviour = between(
                where.builds / specialist.name, specialist.book, after.version, after.who, specialist.texts
            )
        except (FactoryError, OSError) as error:
            problem = error.what if isinstance(error, FactoryError) else str(error)
        made = [(key, old.lineage.get(key, "–"), new.lineage.get(key, "–")) for key in MADE]
        yield Change(
            before,
            after,
            came=sorted(set(new.labels) - set(old.labels)),
            went=sorted(set(old.labels) - set(new.labels)),
            made=[one for one in made if one[1] != one[2]],
            data=_data(specialist.name, before, after, where),
            figures=list(_figures(before, after)),
            behaviour=behaviour,
            problem=problem,
        )


def _figures(before: Published, after: Published) -> Iterator[Figure]:
    paired = {
        one.metric: one
        for one in after.evidence
        if isinstance(one, Comparison) and (one.who, one.against) == (after.who, name_of(before.manifest))
    }
    for metric in (*FIRST, *CALIBRATION):
        one, other = before.record(before.who, metric), after.record(after.who, metric)
        if one and other:
            yield Figure(metric, one, other, paired.get(metric), one.rows == other.rows)


def _data(name: str, before: Published, after: Published, where: Settings) -> Data | None:
    then, now = (one.manifest.lineage.get("dataset", "") for one in (before, after))
    if then == now:
        return None
    try:
        with tempfile.TemporaryDirectory() as folder:
            one, other = (find(version, where, Path(folder), name) for version in (then, now))
            return _compared(one, other)
    except (FactoryError, OSError) as error:
        return Data(then, now, problem=error.what if isinstance(error, FactoryError) else str(error))


def _compared(before: DatasetVersion, after: DatasetVersion) -> Data:
    found = diff(before, after)
    sides = [Counter(row.stratum for split in SPLITS for row in one.rows(split)) for one in (before, after)]
    moved = [(label, sides[0][label], sides[1][label]) for label in sorted({*sides[0], *sides[1]})]
    moved = sorted((one for one in moved if one[1] != one[2]), key=lambda one: -abs(one[2] - one[1]))
    return Data(
        before.version,
        after.version,
        rows=(sides[0].total(), sides[1].total()),
        removed=len(found.removed),
        added=len(found.added),
        changed=len(found.changed),
        parts=tuple(Counter(part for one in found.changed for part in one.parts).most_common()),
        labels=tuple(moved[:LABELS]),
        others=max(0, len(moved) - LABELS),
    )
