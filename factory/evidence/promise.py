"""What a stated risk came to: are answers that a specialist calls sure wrong no more often than it was promised?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, NamedTuple

from factory.evidence import spans
from factory.evidence.circumstances import Circumstances
from factory.evidence.clusters import correlation, design_effect
from factory.evidence.intervals import Interval, wilson
from factory.evidence.predictions import Predictions
from factory.evidence.records import LabelPromise, Promise
from factory.evidence.saying import Saying
from factory.template import percent
from zoo.doubt import Doubt

Verdict = Literal["kept", "unclear", "broken"]
_SAID: Mapping[Verdict, str] = {
    "kept": "the promise was kept",
    "unclear": "that does not tell whether the promise holds",
    "broken": "the promise was broken",
}
FEWEST = 30
"""Of a label that fewer accepted answers have, no more than chance could be told."""


class _Answer(NamedTuple):
    """An answer, or a span found.

    Attributes:
        label: what it says; empty: it is no label.
        sure: its confidence.
        right: whether it is.
        text: which one it answers.
    """

    label: str
    sure: float
    right: bool
    text: int


def measure(predictions: Predictions, risk: float, doubt: Doubt, circumstances: Circumstances) -> Promise:
    """Hold answers to the promise that was made of them on other rows.

    Where a text has several answers, the intervals are wider by what they err together (factory.evidence.clusters).

    Args:
        predictions: answers with scores; of labels each text's, of spans each span found.
        risk: the share of answers that are not marked unsure that may be wrong.
        doubt: which are marked, as calibration found it for this risk (factory.stages.calibrate).
        circumstances: written into the record.
    """
    common = Saying(predictions, circumstances).common
    answers, unit = _answers(predictions), "spans" if predictions.kind == "spans" else "answers"
    wrong = "unlike people's" if predictions.kind == "generation" else "wrong"  # see factory.evidence.words
    each = f", and of those that say {_listed(doubt.thresholds)} by itself" if doubt.thresholds else ""
    asked = f"At most {percent(risk)} of the {unit} that are not marked unsure should be {wrong}{each}"
    if not doubt.promises:
        sentence = (
            f"{asked}, but on rows that people labelled, unlearned, no threshold could be shown to keep that: "
            "nothing is promised, and nothing is marked unsure."
        )
        return Promise(**common, risk=risk, threshold=None, answers=len(answers), verdict="none", sentence=sentence)
    taken = [not doubt.unsure(one.sure, one.label) for one in answers]
    accepted = [one for one, its in zip(answers, taken, strict=True) if its]
    covered = _share(taken, answers) if answers else None
    error = _wrong(accepted) if accepted else None
    verdict: Verdict = _verdict(error, risk) if error else "unclear"
    found = f"none of the {len(answers)} {unit} is sure enough"
    if covered and error:
        found = (
            f"{percent(covered.value)} of {len(answers)} {unit} are not ({_band(covered)}), "
            f"and {percent(error.value)} of these are {wrong} ({_band(error)})"
        )
    return Promise(
        **common,
        risk=risk,
        threshold=doubt.threshold,
        thresholds=dict(doubt.thresholds) or None,
        answers=len(answers),
        accepted=len(accepted),
        coverage=covered.value if covered else None,
        coverage_low=covered.low if covered else None,
        coverage_high=covered.high if covered else None,
        error=error.value if error else None,
        low=error.low if error else None,
        high=error.high if error else None,
        verdict=verdict,
        sentence=f"{asked}. On these rows {found}: {_SAID[verdict]}.",
    )


def by_label(predictions: Predictions, risk: float, doubt: Doubt, circumstances: Circumstances) -> list[LabelPromise]:
    """The same for each label or type that at least FEWEST accepted answers have, the most often wrong first.

    None where nothing was promised, and of answers that are no labels.

    Args:
        predictions, risk, doubt, circumstances: see measure.
    """
    if not doubt.promises or predictions.kind not in ("classification", "spans"):
        return []
    common = Saying(predictions, circumstances).common
    accepted: dict[str, list[_Answer]] = defaultdict(list)
    for one in _answers(predictions):
        if not doubt.unsure(one.sure, one.label):
            accepted[one.label].append(one)
    found = []
    for label, its in accepted.items():
        if len(its) >= FEWEST:
            error = _wrong(its)
            found.append(
                LabelPromise(
                    **common,
                    label=label,
                    own=label in doubt.thresholds,
                    risk=risk,
                    accepted=len(its),
                    error=error.value,
                    low=error.low,
                    high=error.high,
                    verdict=_verdict(error, risk),
                )
            )
    return sorted(found, key=lambda one: (-one.error, one.label))


def _answers(predictions: Predictions) -> list[_Answer]:
    """Every one."""
    if predictions.kind == "spans":
        found = [(span.label, place) for place, some in enumerate(predictions.predicted) for span in some or ()]
        sure = [float(score) for item in predictions.items for score in item.scores or ()]
        rights = spans.rights(predictions.gold, predictions.predicted)
        return [
            _Answer(label, score, right, place)
            for (label, place), score, right in zip(found, sure, rights, strict=True)
        ]
    return [
        _Answer(item.predicted if isinstance(item.predicted, str) else "", item.confidence, item.right, place)
        for place, item in enumerate(predictions.items)
    ]


def _wrong(answers: Sequence[_Answer]) -> Interval:
    return _share([not one.right for one in answers], answers)


def _share(which: Sequence[bool], answers: Sequence[_Answer]) -> Interval:
    """How many of the answers, at least one, are these."""
    texts = [one.text for one in answers]
    return wilson(sum(which), len(which), effect=design_effect(texts, correlation(which, texts)))


def _verdict(error: Interval, risk: float) -> Verdict:
    if error.value <= risk:
        return "kept"
    return "broken" if error.low > risk else "unclear"


def _listed(labels: Iterable[str]) -> str:
    *others, last = sorted(labels)
    return f"{', '.join(others)} or {last}, each" if others else last


def _band(interval: Interval) -> str:
    return f"95 % interval {100 * interval.low:.1f} to {percent(interval.high)}"
