"""What a large model is to be asked about a text, as `ask.json` of a specialist carries it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from factory.teacher.chat import Request
from zoo.question import CHOICE, FORMAT, JSON

_FIRST, _SECOND = "\ue000", "\ue001"  # private characters: no template and no policy holds them
_KEPT, _JOINED = f"{_FIRST}\n{_SECOND}", f"{_FIRST} {_SECOND}"
_SOME, _MANY = 100, 1000
"""Words of texts: what a reply takes grows with the first few of them, if at all; forms allow most for long texts."""


def told(question: Callable[[str], Request]) -> str:
    """The text of ask.json; empty where it can't be made.

    It is made by asking about a text of two private characters and a line break, and looking for where they went. A
    template that does more to a text than to make one line of it can't be carried as words with a place.

    Args:
        question: a text to what is asked of it, with the choices there are, or the JSON schema of a reply; where there
            is neither, there is no ask.json.
    """
    asked = question(_KEPT)
    contents = [message["content"] for message in asked.messages]
    one_line = not any(_KEPT in content for content in contents)
    parts = [content.split(_JOINED if one_line else _KEPT) for content in contents]
    placed = any(len(some) > 1 for some in parts)
    form = _form(question)
    if not form or not placed or any(mark in part for some in parts for part in some for mark in _KEPT[::2]):
        return ""
    value = {
        "format": FORMAT,
        **form,
        "one_line": one_line,
        "messages": [
            {"role": message["role"], "content": [word for part in some for word in (part, None)][:-1]}
            for message, some in zip(asked.messages, parts, strict=True)
        ],
    }
    return json.dumps(value, ensure_ascii=False, indent=1) + "\n"


def _form(question: Callable[[str], Request]) -> dict[str, Any]:
    """What a reply looks like, and of JSON the tokens it takes: without any word of a text, and for each."""
    few, some, many = (question(" ".join(["a"] * words)) for words in (1, _SOME, _MANY))
    if few.choices:
        return {"reply": CHOICE, "choices": few.choices}
    if many.json_schema is None:
        return {}
    each = (some.max_tokens - few.max_tokens) / (_SOME - 1)
    return {"reply": JSON, "schema": many.json_schema, "tokens": [few.max_tokens, round(each, 2)]}
