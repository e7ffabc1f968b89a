"""What a large model is to be asked about a text, as `ask.json` of a specialist carries it."""

from __future__ import annotations

import json
from collections.abc import Callable

from factory.teacher.chat import Request
from zoo.question import CHOICE, FORMAT

_FIRST, _SECOND = "\ue000", "\ue001"  # private characters: no template and no policy holds them
_KEPT, _JOINED = f"{_FIRST}\n{_SECOND}", f"{_FIRST} {_SECOND}"


def told(question: Callable[[str], Request]) -> str:
    """The text of ask.json; empty where it can't be made.

    It is made by asking about a text of two private characters and a line break, and looking for where they went. A
    template that does more to a text than to make one line of it can't be carried as words with a place.

    Args:
        question: a text to what is asked of it, with the choices there are; without choices there is no ask.json.
    """
    asked = question(_KEPT)
    contents = [message["content"] for message in asked.messages]
    one_line = not any(_KEPT in content for content in contents)
    parts = [content.split(_JOINED if one_line else _KEPT) for content in contents]
    placed = any(len(some) > 1 for some in parts)
    if not asked.choices or not placed or any(mark in part for some in parts for part in some for mark in _KEPT[::2]):
        return ""
    value = {
        "format": FORMAT,
        "reply": CHOICE,
        "choices": asked.choices,
        "one_line": one_line,
        "messages": [
            {"role": message["role"], "content": [word for part in some for word in (part, None)][:-1]}
            for message, some in zip(asked.messages, parts, strict=True)
        ],
    }
    return json.dumps(value, ensure_ascii=False, indent=1) + "\n"
