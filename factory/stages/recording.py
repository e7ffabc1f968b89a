"""A student that reads records out of texts (factory.stages.writing)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from factory.evidence import fields
from factory.evidence.decision import Decision, Known
from factory.generate import extraction
from factory.record import Record
from factory.row import Row
from factory.spec import Spec
from factory.stages.build import Build
from factory.stages.student import Said
from factory.stages.writing import Writing
from factory.students.nearest import WHAT
from factory.students.record_baselines import Frequent, nearest_records
from factory.students.records import Records
from factory.teacher.chat import Request

FIELD = 32
"""Tokens that a field of a record takes, about, with its name."""


class Recording(Writing):
    """Of kind `extraction`."""

    kind = "extraction"
    lesson = Records
    metrics = ("field_f1", "exact_f1")
    named = "the fields' names"
    bounds = "fields and forms by a JSON schema, then held against the text"

    def task(self, spec: Spec) -> dict[str, Any]:
        """See Writing.task."""
        names = ", ".join(spec.fields)
        return {
            "instruction": f"{spec.question} Answer by a JSON object of {names}; null for what the text does not say.",
            "max_new_tokens": 64 + FIELD * len(spec.fields),
            "fields": {
                name: field.model_dump(mode="json", exclude={"definition", "samples"})
                for name, field in spec.fields.items()
            },
        }

    def decision(self, answer: Any) -> Record:
        """The values."""
        return dict(answer.values)

    def right(self, row: Row, said: Decision | None) -> bool:
        """Whether every field is as people have it, of those that they spoke of."""
        people = Known(record=row.record or {}, told=row.told)
        return isinstance(said, dict) and fields.right(people, said)

    def opponents(self, build: Build, rows: Sequence[Row], texts: Sequence[str]) -> Mapping[str, Said]:
        """The record of the nearest text, and values known from the rows."""
        what = (
            "TF-IDF for which fields there are, same rows; values known from them that stand in the text, or frequent"
        )
        return {
            "nearest": Said(nearest_records(build.spec.fields, rows, texts), None, WHAT),
            "frequent": Said(Frequent(build.spec.fields, rows).predict(texts), None, what),
        }

    def question(self, spec: Spec, text: str, policy: bool) -> Request:
        """See Student.question."""
        return extraction.question(spec, text, policy)

    def read(self, spec: Spec, text: str, reply: str) -> Record | None:
        """See Student.read."""
        return extraction.read(spec, text, reply).decision

    def reply(self, spec: Spec, row: Row) -> str:
        """See Student.reply; every field, null where the text has none."""
        return json.dumps({name: (row.record or {}).get(name) for name in spec.fields}, ensure_ascii=False)
