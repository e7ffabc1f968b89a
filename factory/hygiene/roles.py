"""Does the text speak as who should speak? Teachers slip into the answering side and into the prompt's own words.

The patterns are for texts a teacher wrote. They are not for real text: a real clause may say `[Licensor]`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence, Set

from factory.hygiene.check import Context, invented, not_asked
from factory.hygiene.slips import SLIPS
from factory.hygiene.words import words
from factory.row import Row, Verdict
from factory.spec import Spec

NAME = "roles"

LEAK_WORDS = 8
"""So many words in a row shared with an instruction are not chance."""


def check(rows: Sequence[Row], context: Context) -> list[Verdict]:
    """Drop generated rows that answer, refuse, leave blanks, write letters or markdown, or repeat the prompt."""
    patterns = [*SLIPS, *_spec_patterns(context.spec)]
    told = {run for text in context.instructions for run in runs(text)}

    def verdict(row: Row) -> Verdict:
        if not invented(row):
            return not_asked(NAME)
        reason = _slip(row.text, patterns, told)
        return Verdict(check=NAME, passed=not reason, reason=reason)

    return [verdict(row) for row in rows]


def _slip(text: str, patterns: list[tuple[str, re.Pattern[str]]], told: set[tuple[str, ...]]) -> str:
    for name, pattern in patterns:
        if match := pattern.search(text):
            return f"{name}: {' '.join(match.group().split())!r}"
    run = leaked(text, told)
    return f"leaked instructions: {run!r}" if run else ""


def leaked(text: str, told: Set[tuple[str, ...]]) -> str:
    """The first run of words that a text shares with instructions (their `runs`); empty if there is none."""
    return next((" ".join(run) for run in runs(text) if run in told), "")


def runs(text: str) -> Iterator[tuple[str, ...]]:
    """Every LEAK_WORDS words in a row."""
    found = words(text)
    return (tuple(found[start : start + LEAK_WORDS]) for start in range(len(found) - LEAK_WORDS + 1))


def _spec_patterns(spec: Spec) -> list[tuple[str, re.Pattern[str]]]:
    """The spec's own words that no text would use: `card_arrival`, `tone: angry`, `neutral: Shares ...`."""
    keys = _any([*spec.attributes, "label", "intent", "category", "sentiment", "class"])
    texts = [
        ("leaked instructions", rf"(?:^|[\n(\[;|,-])\s*{keys}\s*[:=]"),
        ("names its label", rf"\A\W*{_any(spec.labels)}\s*:"),
    ]
    # A label of plain words ("Governing Law", "neutral") is good language; one with joints gives itself away.
    if joined := [label for label in spec.labels if re.search(r"[_/]|[a-z][A-Z]", label)]:
        texts.append(("names its label", rf"(?<!\w){_any(joined)}(?!\w)"))
    return [(name, re.compile(text, re.IGNORECASE)) for name, text in texts]


def _any(values: Iterable[str]) -> str:
    return "(?:" + "|".join(re.escape(value) for value in values) + ")"
