"""What sets a version apart from the one that it follows: labels, what it was made from, data, figures, behaviour."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from factory.dataset.diff import diff
from factory.dataset.version import SPLITS, DatasetVersion
from factory.errors import FactoryError
from factory.evidence.behaviour import Behaviour
from factory.evidence.records import AnyEvidence, Comparison, Record
from factory.evidence.report import FIRST
from factory.publish import package
from factory.publish.compare import name_of
from factory.publish.datasets import find
from factory.settings import Settings
from zoo.manifest import Manifest
from zoo.names import Version

LABELS = 8
"""As many labels are told whose rows became more or fewer."""
MADE = ("teacher", "judges", "encoder", "language model", "distilled from", "budget", "spec")
"""What of a manifest's lineage is compared; its dataset is compared row by row."""
CALIBRATION = ("ece",)


@dataclass(frozen=True)
class Papers:
    """What a version says of itself."""

    manifest: Manifest
    evidence: Sequence[AnyEvidence]

    @property
    def version(self) -> Version:
        """Its number."""
        return Version.parse(self.manifest.version)

    @property
    def who(self) -> str:
        """How its records call it, on the weights loaded by default."""
        return package.who(self.manifest)

    def record(self, who: str, metric: str) -> Record | None:
        """Somebody's figure, the last where there are several."""
        found = [one for one in self.evidence if isinstance(one, Record) and (one.who, one.metric) == (who, metric)]
        return found[-1] if found else None


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
        behaviour: None where nobody keeps the answers of both.
        problem: why the behaviour can't be read; empty.
    """

    before: Papers
    after: Papers
    came: list[str]
    went: list[str]
    made: list[tuple[str, str, str]]
    data: Data | None
    figures: list[Figure]
    behaviour: Behaviour | None
    problem: str = ""


def change(before: Papers, after: Papers, data: Data | None, behaviour: Behaviour | None, problem: str = "") -> Change:
    """What sets a version apart from an older one; `data`, `behaviour` and `problem` are as in Change."""
    old, new = before.manifest, after.manifest
    made = [(key, old.lineage.get(key, "–"), new.lineage.get(key, "–")) for key in MADE]
    return Change(
        before,
        after,
        came=sorted(set(new.labels) - set(old.labels)),
        went=sorted(set(old.labels) - set(new.labels)),
        made=[one for one in made if one[1] != one[2]],
        data=data,
        figures=list(_figures(before, after)),
        behaviour=behaviour,
        problem=problem,
    )


def _figures(before: Papers, after: Papers) -> Iterator[Figure]:
    paired = {
        one.metric: one
        for one in after.evidence
        if isinstance(one, Comparison) and (one.who, one.against) == (after.who, name_of(before.manifest))
    }
    for metric in (*FIRST, *CALIBRATION):
        one, other = before.record(before.who, metric), after.record(after.who, metric)
        if one and other:
            yield Figure(metric, one, other, paired.get(metric), one.rows == other.rows)


def data(name: str, then: str, now: str, where: Settings) -> Data | None:
    """What sets the dataset versions of two versions apart; None where it is the same.

    Args:
        name: the specialist.
        then, now: `lineage.dataset` of either.
        where: builds and hub; what can't be found there is said in place of the rows.
    """
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
