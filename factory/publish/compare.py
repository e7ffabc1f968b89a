"""Is what is to be published worse than what applications get now? Both answer the same gold rows, and are paired."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from factory.evidence.circumstances import Circumstances
from factory.evidence.evaluate import compare
from factory.evidence.gate import METRIC, compared, told
from factory.evidence.intervals import Metric
from factory.evidence.predictions import Predictions
from factory.evidence.records import Comparison, GateLine
from factory.publish.package import content
from zoo.errors import ZooError
from zoo.manifest import Manifest
from zoo.names import Version


def before(published: Iterable[Manifest], candidate: Manifest) -> Manifest | None:
    """The version that a candidate is to follow: the newest of its kind with the same labels, or None.

    Where the candidate has been published already, by force or not, it is the one before that: a run that was killed
    right after publishing compares as it did before the kill.
    """
    asked = candidate.kind, set(candidate.labels)
    alike = [one for one in earlier(published, candidate) if (one.kind, set(one.labels)) == asked]
    return alike[-1] if alike else None


def earlier(published: Iterable[Manifest], candidate: Manifest) -> list[Manifest]:
    """The versions before a candidate, oldest first: all, or those before it where it has been published already."""
    there = sorted(published, key=lambda manifest: Version.parse(manifest.version))
    unforced = content(replace(candidate, forced=False))
    own = next((n for n, one in enumerate(there) if content(replace(one, forced=False)) == unforced), len(there))
    return there[:own]


def name_of(published: Manifest) -> str:
    """How records call a published version."""
    return f"version {published.version}"


def judge(
    ours: Predictions, theirs: Predictions, metrics: Sequence[Metric], circumstances: Circumstances
) -> list[Comparison | GateLine]:
    """A comparison a metric, and a line of the gate that fails where the candidate is clearly worse.

    Clearly: the 95 % interval of the difference ends below zero. A candidate that is as good as the published version,
    or about which the rows do not tell, passes: newer data or a corrected label may be why it was made.

    Args:
        ours: the candidate's answers to gold rows.
        theirs: the published version's, to the same.
        metrics: what to judge by.
        circumstances: written into the records.
    """
    found: list[Comparison | GateLine] = []
    for metric in metrics:
        one = compare(ours, theirs, circumstances, metric)
        worse = one.high < 0.0
        verdict = "clearly worse" if worse else "not clearly worse"
        found += [one, compared(one, _wanted(metric, theirs.who), theirs.who, verdict, passed=not worse)]
    return found


def unasked(
    ours: Predictions, published: Manifest, metrics: Sequence[Metric], why: ZooError, circumstances: Circumstances
) -> list[GateLine]:
    """The failed lines of a published version that can't be asked: nobody knows then whether the new one is worse."""
    who = name_of(published)
    sentence = f"{who[0].upper()}{who[1:]} can't be asked: {why.what}"
    return [told(ours, circumstances, _wanted(metric, who), False, sentence) for metric in metrics]


def _wanted(metric: Metric, who: str) -> str:
    return f"{METRIC[metric]} not clearly below {who}"
