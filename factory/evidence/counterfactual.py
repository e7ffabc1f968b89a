"""A text as it would be of somebody else: words that name one group of people in the place of another's.

Counterfactual texts (Garg et al. 2019): what a specialist says of a text should not hang on whom it is about. Words are
replaced one for one, without grammar, so a text may read oddly; either way of it may.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from factory.evidence.decision import Decision, Known, Truth, Worded
from factory.span import Span

Groups = Mapping[str, Sequence[str]]
"""Group to its words; the words of two groups at the same place stand for each other."""


@dataclass(frozen=True)
class Swapped:
    """A text with one group's words alone.

    Attributes:
        text: what it is by now.
        moved: where words were replaced, in order: start and end before, and start and end now.
    """

    text: str
    moved: tuple[tuple[int, int, int, int], ...]

    def before(self, place: int, end: bool = False) -> int:
        """Where a place in this text was before; one within a word that was replaced, at its start (or end)."""
        away = 0
        for was, was_end, now, now_end in self.moved:
            if place >= now_end:
                away = was_end - now_end
            elif place > now:
                return was_end if end else was
        return place + away


def swap(text: str, groups: Groups, group: str) -> Swapped:
    """The text with every other group's words replaced by this one's; large letters as they were."""
    pairs = _pairs(groups, group)
    made, moved, place = [], [], 0
    for found in _known(groups).finditer(text):
        new = pairs.get(found[0].lower())
        if new is None:
            continue
        made.append(text[place : found.start()])
        start = sum(map(len, made))
        made.append(_cased(new, found[0]))
        moved.append((found.start(), found.end(), start, start + len(new)))
        place = found.end()
    return Swapped("".join([*made, text[place:]]), tuple(moved))


def concerns(text: str, gold: Truth, groups: Groups) -> bool:
    """Whether a text names one of the groups, and nothing that people read out of it does."""
    known = _known(groups)
    if isinstance(gold, Known):
        return bool(known.search(text)) and not any(known.search(str(value)) for value in gold.record.values())
    spans = gold if isinstance(gold, tuple) else ()
    places = [(found.start(), found.end()) for found in known.finditer(text)]
    return bool(places) and not any(one.start < end and start < one.end for one in spans for start, end in places)


def settled(decision: Decision | None, gold: Truth, swapped: Swapped, groups: Groups) -> Decision | None:
    """An answer to a text that was swapped, as of the text before: spans where they were; words with the first group's
    alone, so that two answers can be compared whomever they name."""
    if isinstance(gold, Worded) and isinstance(decision, str):
        return _first(decision, groups)
    if isinstance(decision, tuple):
        return tuple(
            Span(start=swapped.before(one.start), end=swapped.before(one.end, end=True), label=one.label)
            for one in decision
        )
    return decision


def expected(gold: Truth, groups: Groups) -> Truth:
    """What people said, likewise."""
    return Worded(answer=_first(gold.answer, groups)) if isinstance(gold, Worded) else gold


def _first(answer: str, groups: Groups) -> str:
    return swap(answer, groups, next(iter(groups))).text


def _pairs(groups: Groups, group: str) -> dict[str, str]:
    """Every other group's word to this one's; of a word that stands for several, the first."""
    own, pairs = groups[group], dict[str, str]()
    for name, words in groups.items():
        if name != group:
            for word, mine in zip(words, own, strict=True):
                pairs.setdefault(word.lower(), mine)
    return pairs


def _known(groups: Groups) -> re.Pattern[str]:
    words = sorted({word.lower() for some in groups.values() for word in some}, key=len, reverse=True)
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, words))})(?!\w)", re.IGNORECASE)


def _cased(word: str, like: str) -> str:
    """The word with large letters where the other has them: all, the first, or as it is listed."""
    if like.isupper() and len(like) > 1:
        return word.upper()
    return word[:1].upper() + word[1:] if like[:1].isupper() else word
