"""Does a text swear? A list of words, with the disguises people give them (`f.u.c.k`, `sh1t`), by glin-profanity.

A list of words is not a measure of toxicity: it knows neither a threat in polite words nor a quotation.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from factory.hygiene.check import Context, not_asked, unasked
from factory.row import Row, Verdict

NAME = "profanity"
LANGUAGES = {
    "ar": "arabic",
    "cs": "czech",
    "da": "danish",
    "de": "german",
    "en": "english",
    "eo": "esperanto",
    "es": "spanish",
    "fa": "persian",
    "fi": "finnish",
    "fr": "french",
    "hi": "hindi",
    "hu": "hungarian",
    "it": "italian",
    "ja": "japanese",
    "ko": "korean",
    "nl": "dutch",
    "no": "norwegian",
    "pl": "polish",
    "pt": "portuguese",
    "ru": "russian",
    "sv": "swedish",
    "th": "thai",
    "tr": "turkish",
    "zh": "chinese",
}


def check(rows: Sequence[Row], context: Context) -> list[Verdict]:
    """Drop rows that swear, unless people labelled them; the score is the number of words found."""
    if not context.spec.hygiene.profanity:
        return unasked(NAME, rows)
    if context.spec.language not in LANGUAGES:
        return unasked(NAME, rows, f"no list for the language {context.spec.language!r}")
    words = _filter(LANGUAGES[context.spec.language])

    def verdict(row: Row) -> Verdict:
        if row.origin in ("reviewed", "example"):
            return not_asked(NAME, "people labelled it")
        found = words.check_profanity(row.text)["profane_words"]
        # The word itself is not told: reasons are read by people, and stand in cards.
        return Verdict(check=NAME, passed=not found, score=float(len(found)), reason="profanity" if found else "")

    return [verdict(row) for row in rows]


@lru_cache(maxsize=4)
def _filter(language: str) -> Any:
    from glin_profanity import Filter

    return Filter({"languages": [language], "detect_leetspeak": True})
