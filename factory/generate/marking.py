"""What a teacher marks in texts it did not write: it names the words and their type, and we find them in the text.

A reply is a list of claims, held to a JSON schema. It is shorter than a marked copy of the text, and cannot change the
text; a claim whose words do not stand in it is refused, with the reason.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from factory.generate.asking import Said
from factory.generate.prompt import messages
from factory.span import Span, Spans, locate
from factory.spec import Spec
from factory.teacher.chat import Request
from zoo import claims as claimed

MOST = 40
"""Claims in one reply; a teacher that goes round in circles is stopped."""
CLAIM = 16
"""Tokens that a claim takes, about."""


def question(spec: Spec, text: str, policy: bool) -> Request:
    """What a teacher is asked zero-shot about a text; its form is held by the same schema either way.

    Args:
        spec: the specialist.
        text: what to mark up.
        policy: whether it is given what our judge is given, rules, definitions and examples, or the question and the
            types' names alone, as one would ask it without a factory.
    """
    asked = request(spec, text)
    if policy:
        return asked
    types = ", ".join(spec.labels)
    form = '{"spans": [{"text": words copied from the text, "type": their type}]}'
    chat = [
        {"role": "system", "content": f"You mark words in texts. Each is {spec.text}. Reply with JSON only."},
        {"role": "user", "content": f"{spec.question}\nTypes: {types}\nForm: {form}\n\nText: {text}\nJSON:"},
    ]
    return replace(asked, messages=chat)


def request(spec: Spec, text: str) -> Request:
    """The question for a text; a long text has room for more claims."""
    options = [{"code": label, "label": label, "definition": definition} for label, definition in spec.labels.items()]
    most = min(MOST, 4 + len(text.split()) // 4)
    return Request(
        messages(spec, "judge.jinja", options=options, text=text),
        max_tokens=40 + most * CLAIM,
        json_schema=schema(list(spec.labels), most),
    )


def schema(labels: Sequence[str], most: int) -> dict[str, Any]:
    """JSON schema of a reply."""
    claim = {
        "type": "object",
        "properties": {"text": {"type": "string"}, "type": {"enum": list(labels)}},
        "required": ["text", "type"],
    }
    spans = {"type": "array", "items": claim, "maxItems": most}
    return {"type": "object", "properties": {"spans": spans}, "required": ["spans"]}


def reply(text: str, spans: Iterable[Span]) -> str:
    """The reply that names these spans of a text."""
    claims = [{"text": text[span.start : span.end], "type": span.label} for span in spans]
    return json.dumps({"spans": claims}, ensure_ascii=False)


def read(spec: Spec, text: str, reply: str) -> Said[Spans]:
    """What a reply says of a text; beside the spans, `refused`: claims that do not hold.

    A text of which nothing that was claimed could be found is not one without spans: it has no decision.
    """
    claims, failure = claimed.read(reply)
    if claims is None:
        return Said(None, failure, {"refused": []})
    spans, refused = locate(text, claims, list(spec.labels))
    beside = {"refused": [{"text": r.claim.text, "type": r.claim.label, "reason": r.reason} for r in refused]}
    if claims and not spans:
        return Said(None, f"nothing claimed holds: {refused[0].reason}", beside)
    return Said(spans, "", beside)
