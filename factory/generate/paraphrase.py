"""Texts in other words, by a teacher, to see whether a specialist answers them as it answers the texts."""

from __future__ import annotations

from factory.generate.asking import Said
from factory.generate.prompt import messages
from factory.generate.replies import parse_rows, rows_schema
from factory.spec import Spec
from factory.teacher.chat import Request

TEMPLATE = "paraphrase.jinja"
VERSION = 1
"""Raised when another question comes of the same text."""
LEAST, MOST = 0.5, 2.0
"""How long other words may be, by the text's own length; what is shorter or longer says less or more."""


def request(spec: Spec, text: str) -> Request:
    """The question for a text."""
    return Request(
        messages(spec, TEMPLATE, text=text), max_tokens=64 + int(MOST * len(text) / 3), json_schema=rows_schema(1)
    )


def read(spec: Spec, text: str, reply: str) -> Said[str]:
    """The text in other words; none where it is the same, or so long or short that it can't mean the same."""
    texts, failure = parse_rows(reply)
    if not texts:
        return Said(None, failure or "no text")
    said = texts[0]
    if said.casefold() == " ".join(text.split()).casefold():
        return Said(None, "the same words")
    if not LEAST <= len(said) / len(text) <= MOST:
        return Said(None, "far shorter or longer than the text")
    return Said(said)
