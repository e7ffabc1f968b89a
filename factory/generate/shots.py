"""A teacher's question with what people said of like texts before it: few-shot, by the nearest (Liu et al. 2022).

What is shown is chosen for each text: people's rows that an encoder finds most like it, the likest last. That is the
strongest of the simple ways to show examples ("What Makes Good In-Context Examples for GPT-3?").
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from factory.generate.diversity import unit
from factory.row import Row
from factory.teacher.chat import Request

VERSION = 1
"""Of how rows are chosen and shown."""
MOST, WORDS = 5, 300
"""Rows that are shown at most, and words of them; a row that has more by itself is passed over."""
ASKED = 100
"""Gold rows that a teacher is asked about so, at most: each costs as much as several alone."""
_PLACE = "\0"  # no template has it


def choose(
    rows: Sequence[Row], texts: Sequence[str], vectors: Callable[[Sequence[str]], NDArray[np.float32]]
) -> list[list[Row]]:
    """For each text asked about the rows to show, the likest last; none is shown with a row of its own.

    Args:
        rows: people's.
        texts: what is asked about.
        vectors: texts to their vectors [texts, hidden].
    """
    if not rows:
        return [[] for _ in texts]
    made = unit(vectors([*(row.text for row in rows), *texts]))
    near = np.argsort(-(made[len(rows) :] @ made[: len(rows)].T), axis=1, kind="stable")
    lengths = [len(row.text.split()) for row in rows]
    found = []
    for text, places in zip(texts, near, strict=True):
        shown: list[Row] = []
        words = 0
        for row in (rows[place] for place in places if lengths[place] <= WORDS and rows[place].text != text):
            words += len(row.text.split())
            if len(shown) == MOST or words > WORDS:
                break
            shown.append(row)
        found.append(shown[::-1])
    return found


def question(ask: Callable[[str], Request], text: str, shown: Sequence[tuple[str, str]]) -> Request:
    """The question about a text after some that are answered, as turns of one chat.

    Args:
        ask: the question about a text: its last message says what is asked and ends with the text; said once is enough.
        text: what is asked about.
        shown: texts, and a reply that is right for each.
    """
    asked, frame = ask(text), _said(ask(_PLACE))
    line = frame.rfind("\n", 0, frame.index(_PLACE)) + 1  # the one that the text stands in
    turns = [
        turn for known, reply in shown for turn in (_turn("user", _said(ask(known))[line:]), _turn("assistant", reply))
    ]
    turns.append(_turn("user", _said(asked)[line:]))
    turns[0] = _turn("user", frame[:line] + turns[0]["content"])
    return replace(asked, messages=[*asked.messages[:-1], *turns])


def questions(
    ask: Callable[[str], Request], texts: Sequence[str], shown: Sequence[Sequence[Row]], reply: Callable[[Row], str]
) -> list[tuple[str, Request]]:
    """Texts with the questions about them, after the rows that `choose` chose for each.

    Args:
        ask: as for `question`.
        texts: what is asked about.
        shown: rows, for each text.
        reply: the reply that is right for a row.
    """
    known = [[(row.text, reply(row)) for row in some] for some in shown]
    return [(text, question(ask, text, some)) for text, some in zip(texts, known, strict=True)]


def _said(request: Request) -> str:
    return request.messages[-1]["content"]


def _turn(role: str, content: str) -> dict[str, str]:
    return {"role": role, "content": content}
