"""Does the text speak as who should speak? Teachers slip into the answering side and into the prompt's own words.

The patterns are for texts a teacher wrote. They are not for real text: a real clause may say `[Licensor]`. What the
spec's own examples do is no slip: where messages begin with `SUBJECT:`, so may the teacher's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence, Set

from factory.hygiene.check import Context, invented, not_asked
from factory.hygiene.slips import SLIPS
from factory.row import Row, Verdict
from factory.span import strip
from factory.spec import Spec
from factory.words import words

NAME = "roles"

Patterns = Sequence[tuple[str, re.Pattern[str]]]
"""Category and pattern, in the order in which they are tried."""
LEAK_WORDS = 8
"""So many words in a row shared with an instruction are not chance."""


def check(rows: Sequence[Row], context: Context) -> list[Verdict]:
    """Drop generated rows that answer, refuse, leave blanks, write letters or markdown, or repeat the prompt."""
    patterns, own = _patterns(context.spec), in_use(context.spec)
    told = {run for text in context.instructions for run in runs(text)}

    def verdict(row: Row) -> Verdict:
        if not invented(row):
            return not_asked(NAME)
        reason = _slip(row.text, patterns, own, told)
        return Verdict(check=NAME, passed=not reason, reason=reason)

    return [verdict(row) for row in rows]


def in_use(spec: Spec) -> Set[str]:
    """What looks like a slip and stands in the spec's examples: how texts of this domain look. Case is folded."""
    texts = [strip(one.text, spec.labels)[0] if spec.kind == "spans" else one.text for one in spec.examples]
    return {found.casefold() for text in texts for _, found in _slips(text, _patterns(spec))}


def _slip(text: str, patterns: Patterns, own: Set[str], told: Set[tuple[str, ...]]) -> str:
    for name, found in _slips(text, patterns):
        if found.casefold() not in own:
            return f"{name}: {found!r}"
    run = leaked(text, told)
    return f"leaked instructions: {run!r}" if run else ""


def _slips(text: str, patterns: Patterns) -> Iterator[tuple[str, str]]:
    """Every match of a pattern: its category, and what it found."""
    for name, pattern in patterns:
        for match in pattern.finditer(text):
            yield name, " ".join(match.group().split())


def leaked(text: str, told: Set[tuple[str, ...]]) -> str:
    """The first run of words that a text shares with instructions (their `runs`); empty if there is none."""
    return next((" ".join(run) for run in runs(text) if run in told), "")


def runs(text: str) -> Iterator[tuple[str, ...]]:
    """Every LEAK_WORDS words in a row."""
    found = words(text)
    return (tuple(found[start : start + LEAK_WORDS]) for start in range(len(found) - LEAK_WORDS + 1))


def _patterns(spec: Spec) -> Patterns:
    """The teachers' slips, and the spec's words as no text has them: `card_arrival`, `tone: angry`, `neutral: Up`."""
    keys = _any([*spec.attributes, "label", "intent", "category", "sentiment", "class"])
    texts = [
        ("leaked instructions", rf"(?:^|[\n(\[;|,-])\s*{keys}\s*[:=]"),
        ("names its label", rf"\A\W*{_any(spec.labels)}\s*:"),
    ]
    # A label of plain words ("Governing Law", "neutral") is good language; one with joints gives itself away.
    if joined := [label for label in spec.labels if re.search(r"[_/]|[a-z][A-Z]", label)]:
        texts.append(("names its label", rf"(?<!\w){_any(joined)}(?!\w)"))
    return [*SLIPS, *((name, re.compile(text, re.IGNORECASE)) for name, text in texts)]


def _any(values: Iterable[str]) -> str:
    return "(?:" + "|".join(re.escape(value) for value in values) + ")"
