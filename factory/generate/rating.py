"""How good a teacher thinks an answer is: a mark by the policy's rules, read off the likeliest tokens.

The mark is the mean of 1 to 5, each weighted with its probability (G-Eval; Liu et al. 2023), so that answers differ by
more than five steps. A teacher may not be able to tell: whoever uses marks should look at how it marks what people
answered, beside what people answered to another text (factory.stages.generation).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from factory.generate.limits import NO_LIMITS, Limits, Spent, within
from factory.generate.pipeline import ask
from factory.generate.prompt import messages
from factory.generate.replies import parse_scores
from factory.progress import Progress, silent
from factory.spec import RATING, Spec
from factory.teacher.chat import Request, Teacher

MARKS = ("1", "2", "3", "4", "5")


class Rating(NamedTuple):
    """What a teacher thinks of an answer, 0 (surely the lowest mark) to 1; None, and why, where it is not known."""

    score: float | None
    key: str
    failure: str = ""


def rate(
    spec: Spec,
    pairs: Sequence[tuple[str, str]],
    teacher: Teacher,
    cache: Path,
    progress: Progress = silent,
    limits: Limits = NO_LIMITS,
    before: Spent | None = None,
) -> list[Rating]:
    """Ask for a mark for each pair of a text and an answer to it; the rest as `asking.ask_about`."""
    requests = [request(spec, text, answer) for text, answer in pairs]
    answers, _ = within(limits, ask, "rate", requests, teacher, cache, spec.teacher.concurrency, progress, before)
    found = []
    for answer in answers:
        if answer.text is None:
            found.append(Rating(None, answer.key, answer.error))
            continue
        logs, failure = parse_scores(answer.text, answer.logprobs, MARKS)
        found.append(Rating(None if logs is None else _mean(logs), answer.key, failure))
    return found


def request(spec: Spec, text: str, answer: str) -> Request:
    """The question for a pair."""
    return Request(
        messages(spec, RATING, text=text, answer=answer),
        max_tokens=1,
        choices=list(MARKS),
        top_logprobs=len(MARKS) + 5,
    )


def _mean(logs: Sequence[float]) -> float:
    return round(sum(place * math.exp(one) for place, one in enumerate(logs)) / (len(MARKS) - 1), 4)
