"""What a published version was made from: the rows it was trained on, and what it says of those held out."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import zoo
from factory.drift.sample import LABELS, Sample, confidence_of, said_by
from factory.evidence.records import Record, read_evidence
from factory.gold import gold_of
from factory.progress import Progress, silent
from factory.publish.datasets import find
from factory.publish.package import EVIDENCE, who
from factory.publish.sound import said
from factory.row import DRAWN, Row
from factory.settings import Settings
from factory.spec import Spec
from zoo import hub as hubs
from zoo.audit.answers import described
from zoo.manifest import CLASSIFICATION, GENERATION, WRITING, Manifest

ASKED, ASKED_TO_WRITE = 2000, 200
"""Held-out rows that a specialist is asked about; one that writes takes seconds for each."""
ENOUGH = 100
"""Real texts among a version's rows; where there are fewer, gold rows stand in."""
DRAWN_ENOUGH = 50
"""Texts drawn from production among them, for a version to be compared with these alone: beside older ones, what
drifted once would drift for ever. Of 50 texts a side the test of texts finds it in about 62 of 100 looks where half of
production is other texts, and in 92 where six tenths are; of 75 in 86 and 99, of 100 in 95 and 100 (simulated, with
four tests made and vectors that lie well apart).
"""
REAL = ("unlabelled", "reviewed")
SURE, ALL = "sure answers", "answers"
_AT_ONCE = 32


@dataclass(frozen=True)
class Stated:
    """What was said beforehand of how often a version errs.

    Attributes:
        error: at most this share.
        of: whose: `SURE`, by the promise of its threshold; `ALL`, by its accuracy on gold rows.
        how: where that is said, for people.
    """

    error: float
    of: str
    how: str


@dataclass(frozen=True)
class Reference:
    """A version and what it was made from.

    Attributes:
        manifest: of the version.
        dataset: the dataset version that it was trained on, `d-...`.
        sample: its answers to rows held out of training, and the texts of all rows. Real texts alone: one that a
            teacher wrote is told from a real one easily, and teachers are asked for every label as often; neither is
            drift. Where there are too few, it is gold rows, which nothing is trained on either. Of a version that was
            made because production had drifted, it is the texts that were drawn from production then: else what
            drifted once would drift for ever.
        stated: how often it may err; None: nothing was said.
    """

    manifest: Manifest
    dataset: str
    sample: Sample
    stated: Stated | None


def manifest_of(reference: str, settings: Settings) -> tuple[Path, Manifest]:
    """The folder and manifest of `<vertical>/<task>[@version]` in the hub; raises HubError."""
    with said():
        shelf = hubs.open_hub(settings.hub)
        folder = shelf.pull(*hubs.find(reference, shelf))
        return folder, Manifest.read(folder)


def read(folder: Path, manifest: Manifest, spec: Spec, settings: Settings, progress: Progress = silent) -> Reference:
    """What a published version was made from.

    Args:
        folder, manifest: the version, as `manifest_of` gives it.
        spec: for its gold rows.
        settings: where they and its dataset version are.
        progress: told how many rows it has been asked about.

    Raises:
        DataError, HubError: its dataset version can't be found, or is not what it was; or it can't be loaded.
    """
    with tempfile.TemporaryDirectory() as into:
        version = find(manifest.lineage.get("dataset", ""), settings, Path(into), manifest.name)
        held, trained = version.rows("held_out"), version.rows("train")
    gold = _gold(spec, settings)
    drawn = sum(row.lineage.source.startswith(DRAWN) for row in [*trained, *held]) >= DRAWN_ENOUGH
    texts, what = _real(held, gold, drawn)
    asked = texts[: ASKED_TO_WRITE if manifest.kind in WRITING else ASKED]
    with said():
        answers = _answers(zoo.load(folder), asked, progress)
    everything, of = _real([*trained, *held], gold, drawn)
    sample = Sample(
        what=f"answers to {len(asked)} {what} that it did not learn from; texts of {len(everything)} {of}",
        labels=[label for answer in answers if (label := said_by(answer)) is not None],
        confidences=[sure for answer in answers if (sure := confidence_of(answer)) is not None],
        texts=everything,
        lacks={LABELS: "answers in words have no labels to count"} if manifest.kind == GENERATION else {},
    )
    return Reference(manifest, version.version, sample, _stated(folder, manifest))


def _gold(spec: Spec, settings: Settings) -> list[str]:
    if not (settings.gold / spec.gold / "validation.jsonl").is_file():
        return []  # drift is watched where production is, which may have no gold rows
    return [row.text for row in gold_of(spec, settings.gold)]


def _real(rows: Sequence[Row], gold: Sequence[str], among_drawn: bool) -> tuple[list[str], str]:
    """Texts that nobody wrote for the factory and no answer picked, and what they are."""
    real = [row for row in rows if row.origin in REAL and not row.picked]
    if among_drawn:
        return [row.text for row in real if row.lineage.source.startswith(DRAWN)], "texts drawn from production"
    if len(real) >= min(ENOUGH, len(gold)):
        return [row.text for row in real], "real rows"
    return list(gold), "gold rows"


def _answers(specialist: Any, texts: Sequence[str], progress: Progress) -> list[dict[str, Any]]:
    """As the audit log would hold them."""
    found: list[dict[str, Any]] = []
    for start in range(0, len(texts), _AT_ONCE):
        said_so = specialist.predict(list(texts[start : start + _AT_ONCE]))
        found += [described(answer, lambda words: words) for answer in said_so]
        progress(len(found), len(texts))
    return found


def _stated(folder: Path, manifest: Manifest) -> Stated | None:
    if manifest.doubt.promises and manifest.risk is not None:
        return Stated(manifest.risk, SURE, f"its threshold promises {manifest.risk:.1%} at most")
    if manifest.kind != CLASSIFICATION:
        return None
    records = (one for one in read_evidence(folder / EVIDENCE) if isinstance(one, Record))
    own = [one for one in records if (one.who, one.metric, one.sample) == (who(manifest), "accuracy", "all")]
    if not own or own[0].low is None:
        return None
    return Stated(1.0 - own[0].low, ALL, f"on gold rows at most {1 - own[0].low:.1%} (95 % interval)")
