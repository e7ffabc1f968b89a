"""What a stated risk came to: are answers that a specialist calls sure wrong no more often than it was promised?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Literal

from factory.evidence import spans
from factory.evidence.circumstances import Circumstances
from factory.evidence.intervals import Interval, wilson
from factory.evidence.predictions import Predictions
from factory.evidence.records import LabelPromise, Promise
from factory.evidence.saying import Saying
from zoo.doubt import Doubt

Verdict = Literal["kept", "unclear", "broken"]
_SAID: Mapping[Verdict, str] = {
    "kept": "the promise was kept",
    "unclear": "that does not tell whether the promise holds",
    "broken": "the promise was broken",
}
FEWEST = 30
"""Of a label that fewer accepted answers have, no more than chance could be told."""


def measure(predictions: Predictions, risk: float, doubt: Doubt, circumstances: Circumstances) -> Promise:
    """Hold answers to the promise that was made of them on other rows.

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
    asked = f"At most {_percent(risk)} of the {unit} that are not marked unsure should be {wrong}{each}"
    if not doubt.promises:
        sentence = (
            f"{asked}, but on rows that people labelled, unlearned, no threshold could be shown to keep that: "
            "nothing is promised, and nothing is marked unsure."
        )
        return Promise(**common, risk=risk, threshold=None, answers=len(answers), verdict="none", sentence=sentence)
    accepted = [right for label, sure, right in answers if not doubt.unsure(sure, label)]
    covered = wilson(len(accepted), len(answers)) if answers else None
    error = wilson(accepted.count(False), len(accepted)) if accepted else None
    verdict: Verdict = _verdict(error, risk) if error else "unclear"
    found = f"none of the {len(answers)} {unit} is sure enough"
    if covered and error:
        found = (
            f"{_percent(covered.value)} of {len(answers)} {unit} are not ({_band(covered)}), "
            f"and {_percent(error.value)} of these are {wrong} ({_band(error)})"
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
    accepted: dict[str, list[bool]] = defaultdict(list)
    for label, sure, right in _answers(predictions):
        if not doubt.unsure(sure, label):
            accepted[label].append(right)
    found = []
    for label, rights in accepted.items():
        if len(rights) >= FEWEST:
            error = wilson(rights.count(False), len(rights))
            found.append(
                LabelPromise(
                    **common,
                    label=label,
                    own=label in doubt.thresholds,
                    risk=risk,
                    accepted=len(rights),
                    error=error.value,
                    low=error.low,
                    high=error.high,
                    verdict=_verdict(error, risk),
                )
            )
    return sorted(found, key=lambda one: (-one.error, one.label))


def _answers(predictions: Predictions) -> list[tuple[str, float, bool]]:
    """Every answer's label (empty: it is none), its confidence, and whether it is right."""
    if predictions.kind == "spans":
        types = [span.label for found in predictions.predicted for span in found or ()]
        sure = [float(score) for item in predictions.items for score in item.scores or ()]
        rights = spans.rights(predictions.gold, predictions.predicted)
        return list(zip(types, sure, rights, strict=True))
    return [
        (item.predicted if isinstance(item.predicted, str) else "", item.confidence, item.right)
        for item in predictions.items
    ]


def _verdict(error: Interval, risk: float) -> Verdict:
    if error.value <= risk:
        return "kept"
    return "broken" if error.low > risk else "unclear"


def _listed(labels: Iterable[str]) -> str:
    *others, last = sorted(labels)
    return f"{', '.join(others)} or {last}, each" if others else last


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _band(interval: Interval) -> str:
    return f"95 % interval {100 * interval.low:.1f} to {_percent(interval.high)}"
