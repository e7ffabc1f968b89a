"""The spec's own examples as rows."""

from __future__ import annotations

from factory.record import plain, settle
from factory.row import Lineage, Row
from factory.span import strip
from factory.spec import Spec
from factory.wording import settle as settled


def given(spec: Spec, lineage: Lineage) -> list[Row]:
    """A row for every example; of kind `spans`, its tags become spans."""
    if spec.kind == "extraction":
        records = [settle(spec.fields, one.text, plain(one.record) or {})[0] for one in spec.examples]
        return [
            Row(text=one.text, record=record, origin="example", lineage=lineage)
            for one, record in zip(spec.examples, records, strict=True)
        ]
    if spec.kind == "generation":
        return [
            Row(text=one.text, answer=settled(one.answer or ""), origin="example", lineage=lineage)
            for one in spec.examples
        ]
    if spec.kind != "spans":
        return [Row(text=one.text, label=one.label, origin="example", lineage=lineage) for one in spec.examples]
    read = [strip(one.text, spec.labels) for one in spec.examples]
    return [Row(text=text, spans=spans, origin="example", lineage=lineage) for text, spans, _ in read]
