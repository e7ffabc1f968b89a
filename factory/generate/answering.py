"""What a teacher answers to texts it did not write: greedily, and some times more by chance.

Of several answers the one is taken that is most like the others, and how alike they are is kept: a teacher that says
something else every time does not know (self-consistency; Wang et al. 2023).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from factory.generate.asking import Said
from factory.generate.prompt import messages
from factory.spec import Spec
from factory.teacher.chat import Request
from factory.wording import middle, settle

TOKENS_A_WORD = 2
"""Tokens that a word of an answer takes, at most, as a rule: names of medicines and places are several."""
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"answer": {"type": "string"}},
    "required": ["answer"],
    "additionalProperties": False,
}


def request(spec: Spec, text: str) -> Request:
    """The question for a text; a reply has room for twice the longest answer."""
    return Request(
        messages(spec, "judge.jinja", text=text),
        max_tokens=24 + 2 * TOKENS_A_WORD * spec.form.words[1],
        json_schema=SCHEMA,
    )


def question(spec: Spec, text: str, policy: bool) -> Request:
    """What a teacher is asked zero-shot about a text; its form is held by the same schema either way.

    Args:
        spec: the specialist.
        text: what to answer.
        policy: whether it is given what our judge is given, rules, definition and examples, or the question alone, as
            one would ask it without a factory.
    """
    asked = request(spec, text)
    if policy:
        return asked
    form = '{"answer": words}'
    chat = [
        {"role": "system", "content": f"You answer in few words. You are given {spec.text}. Reply with JSON only."},
        {"role": "user", "content": f"{spec.question}\nForm: {form}\n\nText: {text}\nJSON:"},
    ]
    return replace(asked, messages=chat)


def questions(spec: Spec, text: str) -> list[Request]:
    """The question for a text, and after it the same by chance, as often as the spec says."""
    first = request(spec, text)
    drawn = replace(first, **spec.teacher.sampling)
    return [first, *(replace(drawn, ordinal=1 + number) for number in range(spec.form.samples))]


def read(spec: Spec, text: str, reply: str) -> Said[str]:
    """The answer in a reply; whether it is as long as asked, and rests on the text, is for hygiene to say."""
    try:
        value = json.loads(reply)
    except (ValueError, RecursionError):  # RecursionError: brackets nested without end
        return Said(None, "not JSON: cut off or malformed")
    said = value.get("answer") if isinstance(value, dict) else None
    if not isinstance(said, str):
        return Said(None, "no answer: an object with a text `answer` is asked for")
    answer = settle(said)
    return Said(answer) if answer else Said(None, "no answer: blank, or nothing that can be written down")


def choose(greedy: Said[str], others: Sequence[Said[str]]) -> Said[str]:
    """One answer of several; beside it `others`, those not taken, and `agreement`, how alike all are (0 to 1).

    The agreement is null where there is nothing to compare. Where the greedy reply can't be read the text has no
    answer: what is told of its failure is told of the text.
    """
    if greedy.decision is None:
        return replace(greedy, beside={"others": [], "agreement": None})
    usable = [one for one in (greedy, *others) if one.decision is not None]
    answers = [one.decision for one in usable if one.decision is not None]
    place, agreement = middle(answers)
    rest = answers[:place] + answers[place + 1 :]
    return replace(usable[place], beside={"others": rest, "agreement": round(agreement, 4) if rest else None})
