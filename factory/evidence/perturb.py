"""Texts as careless people would have typed them, every character where it was unless a decision does not mind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random

from factory.evidence.decision import Known, Truth
from factory.files import digest

RATE = 0.05
Keep = Callable[[int], bool]
"""Whether the character at a place must stay as it is."""


def perturbed(text: str, gold: Truth, seed: int) -> dict[str, str]:
    """A text in other spellings, by what was done to it, for which people would have decided the same.

    Of spans nothing is moved, and typos and missing punctuation are outside of them. Of records there are no typos:
    a value would be misspelt with its text.

    Args:
        text: the text.
        gold: what people said of it.
        seed: typos depend on this and the text alone.
    """
    spans = gold if isinstance(gold, tuple) else ()
    found = {"upper case": _cased(text, str.upper), "lower case": _cased(text, str.lower)}

    def keep(place: int) -> bool:
        return any(one.start <= place < one.end for one in spans)

    found["no punctuation"] = unpunctuated(text, keep)
    if not isinstance(gold, Known):
        drops = not isinstance(gold, tuple)
        found["typos"] = mistyped(text, Random(digest([seed, text])), keep, drops=drops)
    return found


SAID: Mapping[str, str] = {
    "upper case": "all letters large",
    "lower case": "all letters small",
    "no punctuation": "a blank for each mark that is not within a word or number",
    "typos": f"{100 * RATE:.0f} % of the letters within words swapped with the next or dropped; of spans only swapped",
}
"""What is done, for people."""


def mistyped(text: str, random: Random, keep: Keep, *, drops: bool) -> str:
    """RATE of the letters that have a letter before and after them: swapped with the next, or (if `drops`) dropped."""
    letters, place, gone = list(text), 1, set()
    while place < len(letters) - 1:
        inner = all(letters[at].isalpha() and not keep(at) for at in (place - 1, place, place + 1))
        if inner and random.random() < RATE:
            if drops and random.random() < 0.5:
                gone.add(place)
            else:
                letters[place], letters[place + 1] = letters[place + 1], letters[place]
            place += 1  # what was touched is touched once
        place += 1
    return "".join(one for at, one in enumerate(letters) if at not in gone)


def unpunctuated(text: str, keep: Keep) -> str:
    """A blank for each mark that does not stand between two letters or digits: `don't` and `3.5` stay."""

    def mark(at: int) -> bool:
        inner = 0 < at < len(text) - 1 and text[at - 1].isalnum() and text[at + 1].isalnum()
        return not (text[at].isalnum() or text[at].isspace() or inner or keep(at))

    return "".join(" " if mark(at) else one for at, one in enumerate(text))


def _cased(text: str, case: Callable[[str], str]) -> str:
    """Letter by letter, but for those that would become two."""
    return "".join(other if len(other := case(one)) == 1 else one for one in text)
