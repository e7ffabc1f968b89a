"""What the kind of task asks of a spec, and what makes no sense under it: told when the spec is read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from factory.record import plain, settle
from factory.span import TYPE, strip
from factory.spec_declared import Declared
from factory.spec_gate import GATES
from factory.strata import ANSWER, NONE
from factory.wording import settle as settled

ALIKE = 0.95
"""From which likeness two texts that differ in a value are still told apart, by `hygiene.near_duplicate`."""
WRITES: Mapping[str, tuple[str, ...]] = {
    "spans": ("marked", "marked_few_shot", "replaced"),
    "extraction": ("filled", "filled_few_shot", "drawn", "replaced"),
    "generation": ("answered", "answered_few_shot"),
}
"""Kind to the strategies whose rows have such decisions, the default first; all others write rows of one label."""


def derived(raw: Any) -> Any:
    """A spec as written with what follows from its kind: strategies, gate, labels of records and answers."""
    if not isinstance(raw, dict):
        return raw
    if raw.get("kind") not in WRITES:
        return {"strategies": dict.fromkeys(names := _mix(raw), 1 / len(names)), **raw}
    found = {"strategies": {WRITES[raw["kind"]][0]: 1.0}, **raw}
    metrics, baselines = GATES[raw["kind"]]
    gate = raw.get("gate", [{"better_than": "teacher"}, {"better_than": baselines[0]}])
    if isinstance(gate, list):
        found["gate"] = [{"metric": metrics[0], **one} if isinstance(one, dict) else one for one in gate]
    fields = raw.get("fields")
    if raw["kind"] == "extraction" and "labels" not in raw and isinstance(fields, dict):
        said = {name: one.get("definition") if isinstance(one, dict) else one for name, one in fields.items()}
        found["labels"] = {name: text for name, text in said.items() if isinstance(text, str)}
    answer = raw.get("answer")
    if raw["kind"] == "generation" and "labels" not in raw and isinstance(answer, dict):
        found["labels"] = {ANSWER: answer["definition"]} if isinstance(answer.get("definition"), str) else {}
    return found


def _mix(raw: Mapping[str, Any]) -> list[str]:
    """The strategies that write rows of one label where the spec names none: all of the best mix that it has what for.

    Measured: benchmarks/results/strategies.csv; docs/engineer.md has the table.
    """
    labels = raw.get("labels")
    told_apart = len(set(labels) - {raw.get("out_of_scope")}) > 1 if isinstance(labels, dict) else False
    real = raw.get("seed") is not None or raw.get("unlabelled") is not None
    return ["label", *(["contrastive"] if told_apart else []), *(["seed_grounded"] if real else [])]


def refused(spec: Declared) -> str:
    """The first thing in a spec that does not go with its kind, with its key; empty if all does."""
    kinds = {"classification": _classification, "spans": _spans, "extraction": _extraction, "generation": _generation}
    return next(kinds[spec.kind](spec), "") or _paraphrases(spec)


def _paraphrases(spec: Declared) -> str:
    if not spec.paraphrases or spec.kind in ("classification", "generation"):
        return ""
    return "paraphrases: in other words a text loses what people marked in it or read out of it; leave them out"


def _classification(spec: Declared) -> Iterator[str]:
    if len(spec.labels) < 2:
        yield "labels: there must be at least two to choose between"
    if spec.hygiene.disagreement is not None and len(spec.judges) < 2:
        yield "hygiene.disagreement compares judges; name at least two under `judges`"
    for number, example in enumerate(spec.examples):
        if example.label not in spec.labels:
            yield f"examples.{number}.label is {example.label!r}, which is not under labels"
    if spec.teacher.shots:
        yield "teacher.shots: labels come of a committee; only under `kind: spans` and `extraction` are rows shown"
    for name in spec.strategies:
        if others := _writers(name):
            yield f"strategies.{name} does not write rows of one label; it goes with {others} only"
    yield from _only_spans(spec)
    yield from _only_extraction(spec)
    yield from _only_generation(spec)
    yield from _only_writing(spec)
    yield from _gate(spec)


def _spans(spec: Declared) -> Iterator[str]:
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
    yield from _replaced(spec)
    yield from _only_extraction(spec)
    yield from _only_generation(spec)
    yield from _only_writing(spec)
    yield from _gate(spec)
    yield from _without_a_label(spec, "move the spans that people marked", "mark up", "nobody marked")


def _extraction(spec: Declared) -> Iterator[str]:
    if not spec.fields:
        yield "fields: under `kind: extraction` name at least one field, with `definition` and `type`"
    if spec.labels != {name: field.definition for name, field in spec.fields.items()}:
        yield "labels: under `kind: extraction` they follow from `fields`; leave them out"
    for name in spec.fields:
        if not TYPE.fullmatch(name) or name == NONE:
            yield (
                f"fields.{name}: a field is called by letters, digits, - and _, beginning with a letter, "
                f"and not `{NONE}`"
            )
    for number, example in enumerate(spec.examples):
        record = None if example.record is None else plain(example.record)
        if example.label:
            yield f"examples.{number}.label: under `kind: extraction` an example has a `record`, and no label"
        elif record is None:
            yield f"examples.{number}.record is missing, or no mapping of fields to values (of none: {{}})"
        elif reason := settle(spec.fields, example.text, record)[1]:
            yield f"examples.{number}.record does not hold: {reason}"
    for name, field in spec.fields.items():
        if "drawn" in spec.strategies and not field.drawable:
            yield f"fields.{name}.samples: strategies.drawn draws values of type {field.type} from them; give some"
    yield from _replaced(spec)
    yield from _only_spans(spec)
    yield from _only_generation(spec)
    yield from _gate(spec)
    yield from _without_a_label(spec, "change the words that records quote", "read", "nobody read")
    yield from _headless(spec)


def _generation(spec: Declared) -> Iterator[str]:
    if spec.answer is None:
        yield "answer: under `kind: generation` say what an answer is, by `definition` and `words`"
        return
    if spec.labels != {ANSWER: spec.answer.definition}:
        yield "labels: under `kind: generation` an answer has none; leave them out, and say in `attributes` what varies"
    for number, example in enumerate(spec.examples):
        if example.label:
            yield f"examples.{number}.label: under `kind: generation` an example has an `answer`, and no label"
        elif not settled(example.answer or ""):
            yield f"examples.{number}.answer is missing, or nothing that can be written down"
    if spec.review.judge_floor is not None and spec.answer.score is None:
        yield "review.judge_floor: the judge's marks drop no answer; set `answer.score` as well"
    yield from _only_spans(spec)
    yield from _only_extraction(spec)
    yield from _gate(spec)
    yield from _without_a_label(spec, "take away words that answers rest on", "answer", "nobody answered")
    yield from _headless(spec)


def _replaced(spec: Declared) -> Iterator[str]:
    if "replaced" in spec.strategies and spec.hygiene.near_duplicate < ALIKE:
        yield (
            "hygiene.near_duplicate: strategies.replaced makes rows that differ from people's by a value or two, and "
            f"this would drop them; say {ALIKE} or more"
        )


def _headless(spec: Declared) -> Iterator[str]:
    if spec.student.recipe == "frozen":
        yield "student.recipe: a model that writes has no head, so it can't stay frozen; say lora, qlora, full or auto"
    if spec.student.risk_by_label:
        yield "student.risk_by_label: records and answers have no labels that the risk could hold of; leave it out"


def _only_writing(spec: Declared) -> Iterator[str]:
    if spec.student.recipe == "qlora":
        yield (
            "student.recipe: 4-bit weights are for models that write, under `kind: extraction` and `kind: generation`; "
            f"this is `kind: {spec.kind}`, so say lora, frozen, full or auto"
        )
    if spec.student.distil:
        yield (
            "student.distil: probabilities of tokens are learned by models that write, under `kind: extraction` and "
            f"`kind: generation`; this is `kind: {spec.kind}`"
        )


def _only_spans(spec: Declared) -> Iterator[str]:
    if spec.overlaps != "refused":
        yield f"overlaps: spans overlap under `kind: spans` only; this is `kind: {spec.kind}`"


def _only_generation(spec: Declared) -> Iterator[str]:
    if spec.answer is not None:
        yield f"answer: texts are answered under `kind: generation` only; this is `kind: {spec.kind}`"
    for number, example in enumerate(spec.examples):
        if example.answer is not None:
            yield f"examples.{number}.answer: texts are answered under `kind: generation` only"


def _only_extraction(spec: Declared) -> Iterator[str]:
    if spec.fields:
        yield f"fields: there are records under `kind: extraction` only; this is `kind: {spec.kind}`"
    for number, example in enumerate(spec.examples):
        if example.record is not None:
            yield f"examples.{number}.record: there are records under `kind: extraction` only"


def _gate(spec: Declared) -> Iterator[str]:
    """Requirements that nothing measures under this kind."""
    metrics, baselines = GATES[spec.kind]
    for number, one in enumerate(spec.gate):
        if one.metric not in metrics:
            yield f"gate.{number}.metric is {one.metric}; under `kind: {spec.kind}` use {' or '.join(metrics)}"
        if one.better_than not in (None, "teacher", "few_shot", "reviewed_only", *baselines):
            usual = " or ".join(baselines)
            yield f"gate.{number}.better_than is {one.better_than}; under `kind: {spec.kind}` use {usual}"


def _writers(way: str) -> str:
    """The kinds, but classification, that have a strategy."""
    return " or ".join(f"`kind: {kind}`" for kind, ways in WRITES.items() if way in ways)


def _without_a_label(spec: Declared, masking: str, asked: str, undecided: str) -> Iterator[str]:
    """What no kind can do whose decision is not one label a text, and what it needs."""
    kind, ways = f"`kind: {spec.kind}`", WRITES[spec.kind]
    for way in spec.strategies:
        if way not in ways:
            others = _writers(way)
            writes = f"goes with {others} only" if others else "writes rows of one label"
            yield f"strategies.{way} {writes}; under {kind} use {' or '.join(ways)}"
    for name, why in (_SENSELESS | _OF_KIND[spec.kind]).items():
        if name == "review.dropped" and spec.review.judge_floor is not None:
            continue  # then people are shown what was dropped on the judge's word
        part, _, key = name.rpartition(".")
        holder = getattr(spec, part) if part else spec
        if getattr(holder, key) != type(holder).model_fields[key].get_default(call_default_factory=True):
            yield f"{name} makes no sense under {kind}: {why}"
    if spec.hygiene.pii == "mask":
        yield f"hygiene.pii: `mask` would {masking}; under {kind} use keep or drop"
    for size, budget in spec.budgets.items():
        if budget.judge < budget.label:
            yield (
                f"budgets.{size}.judge is {budget.judge}, but under {kind} the teacher must {asked} each of the "
                f"{budget.label} real texts (budgets.{size}.label): a text that {undecided} is no row"
            )


_SENSELESS = {
    "out_of_scope": "a text that holds nothing is a row like any other, and the plan asks for some",
    "judges": "the teacher reads texts alone; no committee pools what several find in a text",
    "reader": "the committee that listens to it decides on one label a text",
    "teacher.shortlist": "the teacher sees them all",
    "review.dropped": "people are not shown yet what such checks dropped",
    "hygiene.consistency": "the committee that believes or doubts a label decides on one label a text",
    "hygiene.disagreement": "judges who are compared decide on one label a text",
    "hygiene.label_noise": "confident learning needs one label a text",
}
_UNJUDGED = {"review.judge_floor": "no check rests on a judge's word; the audit tells how often the teacher is right"}
_OF_KIND: Mapping[str, dict[str, str]] = {
    "spans": _UNJUDGED,
    "extraction": _UNJUDGED,
    "generation": {
        "out_of_scope": "every text has an answer, and none has a label",
        "judges": "the teacher answers and scores alone; no committee pools what several would say",
        "teacher.shortlist": "there is nothing to choose from",
        "teacher.shots": "its answers to one text are compared, and all are to rest on the text",
        "hygiene.balance": "it compares rows per label, and an answer has none; the plan balances attributes",
    },
}
"""What makes no sense under one kind alone, or does not for another reason."""
