"""Where words begin and end, so that nothing is ever named by a part of one; and what no words may hold."""

from __future__ import annotations

import re
import unicodedata

_WORD = re.compile(r"[^\W\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
"""A character of a word, in scripts that part words by spaces; others (Thai, Chinese, ...) may be cut anywhere."""

UNPRINTABLE = re.compile("[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\ud800-\udfff]")
"""Unicode's control characters, but those that are white space, and surrogates: no file or screen can show them."""


def inside_a_word(text: str, place: int) -> bool:
    """Whether the characters on both sides of a place belong to one word."""
    if not 0 < place < len(text):
        return False
    before = place - 1
    while before and unicodedata.combining(text[before]):  # an accent apart from its letter is part of the word
        before -= 1
    return bool(_WORD.match(text[before]) and (_WORD.match(text[place]) or unicodedata.combining(text[place])))


def settle(said: str) -> str:
    """Words of an answer in their one form: white space folded; empty where there is nothing that can be shown."""
    return "" if UNPRINTABLE.search(said) else " ".join(said.split())
