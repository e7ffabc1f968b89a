"""A list of words, with the disguises people give them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from factory.hygiene import profanity
from factory.hygiene.check import Context
from factory.spec_hygiene import Hygiene
from tests.hygiene.hygiene_rows import row

Make = Callable[..., Context]
ASKED = Hygiene(profanity=True)


@pytest.mark.parametrize("text", ["this is bullshit", "what the f.u.c.k is this", "Shit!", "you sh1t"])
def test_swearing_goes_without_being_repeated(make_context: Make, text: str) -> None:
    [verdict] = profanity.check([row(text, origin="unlabelled")], make_context(hygiene=ASKED))
    assert (verdict.passed, verdict.reason) == (False, "profanity")
    assert (verdict.score or 0.0) >= 1.0


@pytest.mark.parametrize(
    "text", ["I passed the class assessment", "Scunthorpe assets grew", "Moby Dick is a book", "where is my card?"]
)
def test_innocent_words_stay(make_context: Make, text: str) -> None:
    [verdict] = profanity.check([row(text)], make_context(hygiene=ASKED))
    assert (verdict.passed, verdict.score) == (True, 0.0)


def test_people_s_rows_and_unknown_languages_are_not_asked(make_context: Make) -> None:
    for origin in ("reviewed", "example"):
        [verdict] = profanity.check([row("shit", origin=origin)], make_context(hygiene=ASKED))
        assert verdict.reason == "not asked: people labelled it"
    [verdict] = profanity.check([row("shit")], make_context(hygiene=ASKED, language="sw"))
    assert verdict.reason.startswith("not asked: no list for the language")
    [verdict] = profanity.check([row("shit")], make_context())
    assert verdict.reason.startswith("not asked")


@pytest.mark.parametrize("language", profanity.LANGUAGES)
def test_every_language_has_its_list(make_context: Make, language: str) -> None:
    [verdict] = profanity.check([row("123 456")], make_context(hygiene=ASKED, language=language))
    assert verdict.passed
