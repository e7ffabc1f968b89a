"""What the kind of task asks of a spec, and what makes no sense under it: told when the spec is read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from factory.span import NONE, TYPE, strip

if TYPE_CHECKING:
    from factory.spec import Spec

WRITES_SPANS = ("marked", "marked_few_shot")
"""The strategies whose rows have spans."""


def refused(spec: Spec) -> str:
    """The first thing in a spec that does not go with its kind, with its key; empty if all does."""
    found = _spans(spec) if spec.kind == "spans" else _classification(spec)
    return next(found, "")


def _classification(spec: Spec) -> Iterator[str]:
    if len(spec.labels) < 2:
        yield "labels: there must be at least two to choose between"
    if spec.hygiene.disagreement is not None and len(spec.judges) < 2:
        yield "hygiene.disagreement compares judges; name at least two under `judges`"
    for number, example in enumerate(spec.examples):
        if example.label not in spec.labels:
            yield f"examples.{number}.label is {example.label!r}, which is not under labels"
    for name in WRITES_SPANS:
        if name in spec.strategies:
            yield f"strategies.{name} writes texts with marked spans; it goes with `kind: spans` only"


def _spans(spec: Spec) -> Iterator[str]:
    for label in spec.labels:
        if not TYPE.fullmatch(label) or label == NONE:
            yield (
                f"labels.{label}: under `kind: spans` a label is a type, written as a tag around the words: "
                f"letters, digits, - and _, beginning with a letter, and not `{NONE}`"
            )
    if len({label.casefold() for label in spec.labels}) < len(spec.labels):
        yield "labels: two types differ by case alone, which a teacher's tags do not keep apart"
    for number, example in enumerate(spec.examples):
        if example.label:
            yield f"examples.{number}.label: under `kind: spans` an example has no label; mark the spans in its text"
        elif reason := strip(example.text, spec.labels)[2]:
            yield f"examples.{number}.text: its tags can't be read: {reason}"
    for way in spec.strategies:
        if way not in WRITES_SPANS:
            yield f"strategies.{way} writes rows of one label; under `kind: spans` use {' or '.join(WRITES_SPANS)}"
    for name, why in _SENSELESS.items():
        part, _, key = name.rpartition(".")
        holder = getattr(spec, part) if part else spec
        if getattr(holder, key) != type(holder).model_fields[key].get_default(call_default_factory=True):
            yield f"{name} makes no sense under `kind: spans`: {why}"
    if spec.hygiene.pii == "mask":
        yield "hygiene.pii: `mask` would move the spans that people marked; under `kind: spans` use keep or drop"
    for size, budget in spec.budgets.items():
        if budget.judge < budget.label:
            yield (
                f"budgets.{size}.judge is {budget.judge}, but under `kind: spans` the teacher must mark up each of the "
                f"{budget.label} real texts (budgets.{size}.label): a text that nobody marked is no row"
            )


_SENSELESS = {
    "out_of_scope": "a text without spans is a row like any other, and the plan asks for some",
    "judges": "the teacher marks up texts alone, and there is no committee yet that pools spans",
    "reader": "the committee that listens to it decides on one label a text",
    "gate": "no student of this kind can be trained yet, so there is nothing to hold against it",
    "teacher.shortlist": "the teacher sees all types",
    "review.dropped": "people are not shown yet what checks of spans dropped",
    "hygiene.consistency": "the committee that believes or doubts a label decides on one label a text",
    "hygiene.disagreement": "judges who are compared decide on one label a text",
    "hygiene.label_noise": "confident learning needs one label a text",
    "hygiene.balance": "it compares rows per label; the plan balances types, pairs of types and none",
}
