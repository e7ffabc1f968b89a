"""What a large model says stands in a text: words and their types, sought there, since models don't count letters."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from typing import NamedTuple, Protocol

from zoo.mark import Mark, marked
from zoo.words import inside_a_word


class Claim(NamedTuple):
    """Somebody says that these words, wherever they stand in a text, are of this type."""

    text: str
    label: str


class Refused(NamedTuple):
    """A claim that does not hold, and why: `category: detail`."""

    claim: Claim
    reason: str


class Stretch(Protocol):
    """A place of a text and what stands there, with whatever else somebody says of it, such as a score."""

    @property
    def start(self) -> int: ...  # noqa: D102
    @property
    def end(self) -> int: ...  # noqa: D102
    @property
    def label(self) -> str: ...  # noqa: D102


def read(reply: str) -> tuple[list[Claim] | None, str]:
    """The claims of a reply, `{"spans": [{"text": words, "type": label}]}`; or None and why it can't be read.

    A list that is cut off is not half a truth but none.
    """
    try:
        value = json.loads(reply)
    except (ValueError, RecursionError):  # RecursionError: brackets nested without end
        return None, "not JSON: cut off or malformed"
    said = value.get("spans") if isinstance(value, dict) else None
    if not isinstance(said, list):
        return None, "no list named spans"
    found = []
    for one in said:
        if not isinstance(one, dict) or not all(isinstance(one.get(key), str) for key in ("text", "type")):
            return None, "not all are claims: a text and a type"
        found.append(Claim(one["text"], one["type"]))
    return found, ""


def locate(
    text: str, claims: Iterable[Claim], labels: Collection[str], taken: Iterable[Stretch] = ()
) -> tuple[list[Mark], list[Refused]]:
    """Where the claimed words stand in a text: every occurrence on word boundaries, longer claims before shorter ones.

    Args:
        text: the text, to the letter.
        claims: what somebody says; one made twice is one.
        labels: the types there are.
        taken: stretches that are settled; no claim touches them.

    Returns:
        `taken` and what was found, by start, none overlapping; and the claims that do not hold: empty, of an unknown
        type, not in the text, inside of another stretch.
    """
    spans, refused = [marked(text, one.start, one.end, one.label) for one in taken], []
    for claim in sorted(dict.fromkeys(claims), key=lambda claim: -len(claim.text.strip())):
        words = claim.text.strip()
        if not words:
            refused.append(Refused(claim, "empty: no words claimed"))
        elif claim.label not in labels:
            refused.append(Refused(claim, f"unknown type: {claim.label!r}"))
        else:
            found = [marked(text, at, at + len(words), claim.label) for at in _occurrences(text, words)]
            free = [span for span in found if not any(touch(span, other) for other in spans)]
            spans += free
            if not found:
                refused.append(Refused(claim, f"not in the text: {words[:60]!r}"))
            elif not free and not any(span in spans for span in found):
                refused.append(Refused(claim, f"overlaps another span: {words[:60]!r} as {claim.label}"))
    return sorted(spans, key=lambda span: span.start), refused


def touch(one: Stretch, other: Stretch) -> bool:
    """Whether two stretches have a character in common."""
    return one.start < other.end and other.start < one.end


def _occurrences(text: str, words: str) -> list[int]:
    found, at = [], text.find(words)
    while at >= 0:
        whole = not inside_a_word(text, at) and not inside_a_word(text, at + len(words))
        if whole:
            found.append(at)
        at = text.find(words, at + (len(words) if whole else 1))
    return found
