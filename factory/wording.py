"""What is answered in words of one's own: its one form, and how two answers, or an answer and its text, compare.

That an answer is true, or the best one, no machine can check here. What can be counted is: words, runs of words that it
shares with the text, numbers and names that the text does not have.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from difflib import SequenceMatcher

from factory.words import words
from zoo.words import settle

__all__ = ["ALL_CAPITALISED", "copied", "foreign", "middle", "rouge_l", "rouge_n", "settle"]

_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_SENTENCE = re.compile(r"(?:\A|[.?!:]\s+|\n)\W*\w+")
_NAME = re.compile(r"\b[^\W\d_]*[A-Z\u00c0-\u00de\u0391-\u03a9\u0410-\u042f][\w'’-]*")
_NEAR = 0.8
"""Two words alike by this ratio (Ratcliff and Obershelp) are one word misspelt: `metroprolol`, `metoprolol`."""
ALL_CAPITALISED = ("de", "lb")
"""Languages in which any noun is written as a name is."""


def rouge_l(one: str, other: str) -> float:
    """How alike two answers are, 0 to 1: ROUGE-L, the F1 of their longest common subsequence of words (Lin 2004).

    Of folded words without punctuation (factory.words), not stemmed. Symmetric; 1 for the same words, and for
    two answers without any.
    """
    a, b = words(one), words(other)
    if not a or not b:
        return float(a == b)
    return 2 * _subsequence(a, b) / (len(a) + len(b))


def rouge_n(one: str, other: str, n: int) -> float:
    """ROUGE-N, the F1 of the runs of n words that two answers share, each as often as both have it; else as rouge_l."""
    a, b = (Counter(tuple(some[at : at + n]) for at in range(len(some) - n + 1)) for some in (words(one), words(other)))
    if not a or not b:
        return float(a == b)
    return 2 * (a & b).total() / (a.total() + b.total())


def copied(text: str, answer: str) -> float:
    """The share of an answer's words that stand in the text in one run, the longest there is; 0 without words."""
    own, given = words(answer), words(text)
    return _run(own, given) / len(own) if own else 0.0


def foreign(text: str, answer: str, language: str = "en") -> tuple[list[str], int]:
    """Numbers and names in an answer that do not stand in the text, and how many numbers and names it has.

    A number counts as it is written in figures. A name is a word with a capital letter that does not begin a sentence;
    it stands in the text where that has the word, whatever its case, within another (`Amlodipine5mgs`), or misspelt.
    In a language that writes all nouns so, names are not looked for.
    """
    numbers = [(number, number in _NUMBER.findall(text)) for number in _NUMBER.findall(answer)]
    first = {found.end() for found in _SENTENCE.finditer(answer)}
    names = [found[0] for found in _NAME.finditer(answer) if found.end() not in first and len(found[0]) > 1]
    given = words(text)
    whole = " ".join(given)
    told = [(name, _stands(name, given, whole)) for name in ([] if language in ALL_CAPITALISED else names)]
    found = [*numbers, *told]
    return list(dict.fromkeys(what for what, there in found if not there)), len(found)


def middle(answers: Sequence[str]) -> tuple[int, float]:
    """Which of several answers is most like the others, the first such one, and how alike all are on average.

    The first is the choice of least expected loss under ROUGE-L, each answer being as likely (minimum Bayes risk;
    Eikema and Aziz 2020). The second is 1 for a single answer: nothing contradicts it.
    """
    if len(answers) < 2:
        return 0, 1.0
    table = [[rouge_l(one, other) for other in answers] for one in answers]
    means = [(sum(line) - line[place]) / (len(answers) - 1) for place, line in enumerate(table)]
    return means.index(max(means)), sum(means) / len(means)


def _stands(name: str, given: Sequence[str], whole: str) -> bool:
    parts = words(name.removesuffix("'s").removesuffix("’s"))
    return all(
        part in given or (len(part) > 3 and (part in whole or any(_near(part, other) for other in given)))
        for part in parts
    )


def _near(one: str, other: str) -> bool:
    short, long = sorted((len(one), len(other)))
    return short >= _NEAR * long and SequenceMatcher(None, one, other, autojunk=False).ratio() >= _NEAR


def _subsequence(a: Sequence[str], b: Sequence[str]) -> int:
    """Length of the longest common subsequence."""
    line = [0] * (len(b) + 1)
    for one in a:
        before = 0
        for place, other in enumerate(b, 1):
            before, line[place] = line[place], before + 1 if one == other else max(line[place], line[place - 1])
    return line[-1]


def _run(a: Sequence[str], b: Sequence[str]) -> int:
    """Length of the longest common run."""
    best, line = 0, [0] * (len(b) + 1)
    for one in a:
        fresh = [0] * (len(b) + 1)
        for place, other in enumerate(b, 1):
            if one == other:
                fresh[place] = line[place - 1] + 1
                best = max(best, fresh[place])
        line = fresh
    return best
