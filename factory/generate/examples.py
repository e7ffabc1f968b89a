"""The spec's own examples as rows."""

from __future__ import annotations

from factory.row import Lineage, Row
from factory.span import strip
from factory.spec import Spec


def given(spec: Spec, lineage: Lineage) -> list[Row]:
    """A row for every example; where the kind is `spans`, its tags become spans."""
    if spec.kind != "spans":
        return [Row(text=one.text, label=one.label, origin="example", lineage=lineage) for one in spec.examples]
    read = [strip(one.text, spec.labels) for one in spec.examples]
    return [Row(text=text, spans=spans, origin="example", lineage=lineage) for text, spans, _ in read]
