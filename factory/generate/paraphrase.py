"""Texts in other words, by a teacher, to see whether a specialist answers them as it answers the texts."""

from __future__ import annotations

import re

from factory.generate.asking import Said
from factory.generate.prompt import messages
from factory.generate.replies import parse_rows, rows_schema
from factory.spec import Spec
from factory.teacher.chat import Request

TEMPLATE = "paraphrase.jinja"
WAYS = 2
"""Ways to say a text that are asked for; a small teacher's first is often the text."""
LEAST, MOST = 0.5, 2.0
"""How long other words may be, by the text's own length; what is shorter or longer says less or more."""


def request(spec: Spec, text: str) -> Request:
    """The question for a text."""
    long = WAYS * int(MOST * len(text) / 3)
    return Request(messages(spec, TEMPLATE, text=text, count=WAYS), max_tokens=64 + long, json_schema=rows_schema(WAYS))


def read(spec: Spec, text: str, reply: str) -> Said[str]:
    """The text in other words: the first that are neither its own, nor so many or few that they can't mean the same."""
    texts, failure = parse_rows(reply)
    failure = "" if texts else failure or "no text"
    for said in texts:
        if _folded(said) == _folded(text):
            failure = failure or "the same words"
        elif not LEAST <= len(said) / len(text) <= MOST:
            failure = failure or "far shorter or longer than the text"
        else:
            return Said(said)
    return Said(None, failure)


def _folded(text: str) -> str:
    """Its words alone, without marks and large letters."""
    return " ".join(re.findall(r"\w+", text.casefold()))
