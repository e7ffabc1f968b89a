"""What a stated risk came to: are answers that a specialist calls sure wrong no more often than it was promised?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from factory.evidence import spans
from factory.evidence.circumstances import Circumstances
from factory.evidence.intervals import Interval, wilson
from factory.evidence.predictions import Predictions
from factory.evidence.records import Promise
from factory.evidence.saying import Saying

Verdict = Literal["kept", "unclear", "broken"]
_SAID: Mapping[Verdict, str] = {
    "kept": "the promise was kept",
    "unclear": "that does not tell whether the promise holds",
    "broken": "the promise was broken",
}


def measure(predictions: Predictions, risk: float, threshold: float | None, circumstances: Circumstances) -> Promise:
    """Hold answers to the promise that was made of them on other rows.

    Args:
        predictions: answers with scores; of labels each text's, of spans each span found.
        risk: the share of answers from the threshold up that may be wrong.
        threshold: what calibration found for this risk (factory.stages.calibrate); None: nothing.
        circumstances: written into the record.
    """
    common = Saying(predictions, circumstances).common
    answers, unit = _answers(predictions), "spans" if predictions.kind == "spans" else "answers"
    wrong = "unlike people's" if predictions.kind == "generation" else "wrong"  # see factory.evidence.words
    asked = f"At most {_percent(risk)} of the {unit} that are not marked unsure should be {wrong}"
    if threshold is None:
        sentence = (
            f"{asked}, but on rows that people labelled, unlearned, no threshold could be shown to keep that: "
            "nothing is promised, and nothing is marked unsure."
        )
        return Promise(**common, risk=risk, threshold=None, answers=len(answers), verdict="none", sentence=sentence)
    accepted = [right for sure, right in answers if sure >= threshold]
    covered = wilson(len(accepted), len(answers)) if answers else None
    error = wilson(accepted.count(False), len(accepted)) if accepted else None
    verdict: Verdict = "unclear"
    if error and error.value <= risk:
        verdict = "kept"
    elif error and error.low > risk:
        verdict = "broken"
    found = f"none of the {len(answers)} {unit} is sure enough"
    if covered and error:
        found = (
            f"{_percent(covered.value)} of {len(answers)} {unit} are not ({_band(covered)}), "
            f"and {_percent(error.value)} of these are {wrong} ({_band(error)})"
        )
    return Promise(
        **common,
        risk=risk,
        threshold=threshold,
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


def _answers(predictions: Predictions) -> list[tuple[float, bool]]:
    """Every answer's confidence, and whether it is right."""
    if predictions.kind == "spans":
        sure = [score for item in predictions.items for score in item.scores or ()]
        return list(zip(map(float, sure), spans.rights(predictions.gold, predictions.predicted), strict=True))
    return [(item.confidence, item.right) for item in predictions.items]


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _band(interval: Interval) -> str:
    return f"95 % interval {100 * interval.low:.1f} to {_percent(interval.high)}"
