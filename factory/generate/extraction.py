"""What a teacher reads out of texts it did not write: a record, held to the fields' schema and then to the text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from factory import record as records
from factory.generate.limits import NO_LIMITS, Limits, Spent, within
from factory.generate.pipeline import ask
from factory.generate.prompt import messages
from factory.progress import Progress, silent
from factory.record import Record
from factory.spec import Spec
from factory.spec_field import reply_schema
from factory.teacher.chat import Request, Teacher

FIELD = 24
"""Tokens that a field of a reply takes, about, beyond the words that it quotes."""


@dataclass(frozen=True)
class Reading:
    """A teacher's view of one text.

    Attributes:
        record: what it read; None where the reply could not be read or does not hold. Of a record that holds in part
            nothing is taken: what is left of it would say that the text does not have the rest.
        said: the record that does not hold, as it was said.
        key: the reply's place in the cache.
        failure: why there is no record.
    """

    record: Record | None
    said: Record | None
    key: str
    failure: str = ""


def read_out(
    spec: Spec,
    texts: Sequence[str],
    teacher: Teacher,
    cache: Path,
    progress: Progress = silent,
    limits: Limits = NO_LIMITS,
    before: Spent | None = None,
) -> list[Reading]:
    """Ask for the record of each text, greedily.

    Args:
        spec: the specialist; judge.jinja is what is asked.
        texts: what to read.
        teacher: whom to ask.
        cache: the reply cache's file.
        progress: called with (replies, replies in all).
        limits: what may be spent; the failure of texts beyond it begins with limits.NOT_ASKED.
        before: what was spent earlier under the same limits.
    """
    requests = [request(spec, text) for text in texts]
    answers, _ = within(limits, ask, "judge", requests, teacher, cache, spec.teacher.concurrency, progress, before)
    return [
        Reading(None, None, answer.key, answer.error)
        if answer.text is None
        else read(spec, text, answer.text, answer.key)
        for answer, text in zip(answers, texts, strict=True)
    ]


def request(spec: Spec, text: str) -> Request:
    """The question for a text; a long text has room for longer quotations."""
    return Request(
        messages(spec, "judge.jinja", options=options(spec), text=text),
        max_tokens=40 + FIELD * len(spec.fields) + 2 * len(text.split()),
        json_schema=reply_schema(spec.fields),
    )


def options(spec: Spec) -> list[dict[str, str]]:
    """What judge.jinja is told of the fields."""
    return [
        {"code": name, "label": name, "definition": field.definition, "form": field.form}
        for name, field in spec.fields.items()
    ]


def read(spec: Spec, text: str, reply: str, key: str = "") -> Reading:
    """What a reply says of a text."""
    said, failure = records.read(reply)
    if said is None:
        return Reading(None, None, key, failure)
    record, failure = records.settle(spec.fields, text, said)
    return Reading(None, said, key, failure) if failure else Reading(record, None, key)
