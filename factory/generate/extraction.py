"""What a teacher reads out of texts it did not write: a record, held to the fields' schema and then to the text."""

from __future__ import annotations

from dataclasses import replace

from factory import record as records
from factory.generate.asking import Said
from factory.generate.prompt import messages
from factory.record import Record
from factory.spec import Spec
from factory.spec_field import reply_schema
from factory.teacher.chat import Request

FIELD = 24
"""Tokens that a field of a reply takes, about, beyond the words that it quotes."""


def request(spec: Spec, text: str) -> Request:
    """The question for a text; a long text has room for longer quotations."""
    return Request(
        messages(spec, "judge.jinja", options=options(spec), text=text),
        max_tokens=40 + FIELD * len(spec.fields) + 2 * len(text.split()),
        json_schema=reply_schema(spec.fields),
    )


def question(spec: Spec, text: str, policy: bool) -> Request:
    """What a teacher is asked zero-shot about a text; its form is held by the same schema either way.

    Args:
        spec: the specialist.
        text: what to read.
        policy: whether it is given what our judge is given, rules, definitions and examples, or the question and the
            fields' names and forms alone, as one would ask it without a factory.
    """
    asked = request(spec, text)
    if policy:
        return asked
    fields = "; ".join(f"{name} ({field.form})" for name, field in spec.fields.items())
    chat = [
        {"role": "system", "content": f"You read values out of texts. Each is {spec.text}. Reply with JSON only."},
        {"role": "user", "content": f"{spec.question}\nFields, null if absent: {fields}\n\nText: {text}\nJSON:"},
    ]
    return replace(asked, messages=chat)


def options(spec: Spec) -> list[dict[str, str]]:
    """What judge.jinja is told of the fields."""
    return [
        {"code": name, "label": name, "definition": field.definition, "form": field.form}
        for name, field in spec.fields.items()
    ]


def read(spec: Spec, text: str, reply: str) -> Said[Record]:
    """What a reply says of a text; beside the record, `said`: one that does not hold, as it was said.

    Of a record that holds in part nothing is taken: what is left would say that the text does not have the rest.
    """
    said, failure = records.read(reply)
    if said is None:
        return Said(None, failure, {"said": None})
    record, failure = records.settle(spec.fields, text, said)
    return Said(None, failure, {"said": said}) if failure else Said(record, "", {"said": None})
