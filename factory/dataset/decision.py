"""How the decision of each kind of task stands in a dataset version: in its hash, its columns and its counts."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from factory.record import written
from factory.row import Row, Span
from factory.spec import Spec
from factory.spec_field import Field
from factory.strata import ANSWER, names_in, strata, stratum_of


class Decision(ABC):
    """One kind's."""

    @abstractmethod
    def content(self, row: Row) -> dict[str, Any]:
        """What of it a version is made of."""

    @abstractmethod
    def columns(self, row: Row, labels: list[str]) -> dict[str, Any]:
        """A row's columns; classes are numbers, in the labels' order."""

    @abstractmethod
    def read(self, value: Mapping[str, Any], labels: list[str]) -> dict[str, Any]:
        """From columns back to a row's fields."""

    @abstractmethod
    def features(self, spec: Spec) -> dict[str, Any]:
        """The columns' types, as `datasets` has them."""

    def names(self, row: Row) -> set[str]:
        """The labels that a row is counted for."""
        return {row.label}

    def every_name(self, row: Row) -> set[str]:
        """The labels that a row names in any way."""
        return self.names(row)

    def axes(self, spec: Spec) -> dict[str, list[str]]:
        """What rows were asked to hold, as an axis of the plan to its values; empty where labels say it."""
        return {}


class _Label(Decision):
    def content(self, row: Row) -> dict[str, Any]:
        soft = {label: round(p, 6) for label, p in row.distribution().items() if round(p, 6) > 0}
        return {"label": row.label, "soft": soft}

    def columns(self, row: Row, labels: list[str]) -> dict[str, Any]:
        distribution = row.distribution()
        return {"label": labels.index(row.label), "soft": [distribution.get(label, 0.0) for label in labels]}

    def read(self, value: Mapping[str, Any], labels: list[str]) -> dict[str, Any]:
        label = labels[value["label"]]
        soft = {name: p for name, p in zip(labels, value["soft"], strict=True) if p > 0}
        return {"label": label, "soft": None if soft == {label: 1.0} else soft}

    def features(self, spec: Spec) -> dict[str, Any]:
        from datasets import ClassLabel, List, Value

        labels = list(spec.labels)
        return {"label": ClassLabel(names=labels), "soft": List(Value("float64"), length=len(labels))}

    def every_name(self, row: Row) -> set[str]:
        return {row.label, *(row.soft or {})}


class _Spans(Decision):
    def content(self, row: Row) -> dict[str, Any]:
        return {"spans": [[span.start, span.end, span.label] for span in row.spans or ()]}

    def columns(self, row: Row, labels: list[str]) -> dict[str, Any]:
        spans = row.spans or ()
        return {"spans": [{"start": s.start, "end": s.end, "label": labels.index(s.label)} for s in spans]}

    def read(self, value: Mapping[str, Any], labels: list[str]) -> dict[str, Any]:
        return {"spans": tuple(Span(**{**span, "label": labels[span["label"]]}) for span in value["spans"])}

    def features(self, spec: Spec) -> dict[str, Any]:
        from datasets import ClassLabel, List, Value

        place = Value("int64")
        return {"spans": List({"start": place, "end": place, "label": ClassLabel(names=list(spec.labels))})}

    def names(self, row: Row) -> set[str]:
        return {span.label for span in row.spans or ()}

    def axes(self, spec: Spec) -> dict[str, list[str]]:
        return {"types": strata(list(spec.labels))}


class _Record(Decision):
    """The record as JSON text, from which it is read back; and by field, for those who want types."""

    def content(self, row: Row) -> dict[str, Any]:
        return {"record": row.record}

    def columns(self, row: Row, labels: list[str]) -> dict[str, Any]:
        record = row.record or {}
        return {"record": written(record), "fields": {name: record.get(name) for name in labels}}

    def read(self, value: Mapping[str, Any], labels: list[str]) -> dict[str, Any]:
        return {"record": json.loads(value["record"])}

    def features(self, spec: Spec) -> dict[str, Any]:
        from datasets import Value

        return {"record": Value("string"), "fields": {name: _typed(field) for name, field in spec.fields.items()}}

    def names(self, row: Row) -> set[str]:
        return set(row.record or {})

    def axes(self, spec: Spec) -> dict[str, list[str]]:
        required = [name for name, field in spec.fields.items() if field.required]
        asked = strata([name for name in spec.fields if name not in required])
        return {"fields": [stratum_of([*required, *names_in(one)]) for one in asked]}


def _typed(field: Field) -> Any:
    from datasets import List, Value

    one = Value({"number": "float64", "boolean": "bool"}.get(field.type, "string"))
    return List(one) if field.many else one


class _Answer(Decision):
    def content(self, row: Row) -> dict[str, Any]:
        return {"answer": row.answer}

    def columns(self, row: Row, labels: list[str]) -> dict[str, Any]:
        return {"answer": row.answer}

    def read(self, value: Mapping[str, Any], labels: list[str]) -> dict[str, Any]:
        return {"answer": value["answer"]}

    def features(self, spec: Spec) -> dict[str, Any]:
        from datasets import Value

        return {"answer": Value("string")}

    def names(self, row: Row) -> set[str]:
        return {ANSWER}


OF_KIND: Mapping[str, Decision] = {
    "classification": _Label(), "spans": _Spans(), "extraction": _Record(), "generation": _Answer()
}  # fmt: skip
"""Kind of task to how its decisions stand."""
