"""Human-labelled rows as their files hold them, for measuring or standing in for reviewers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from factory.answer import value_of
from factory.errors import DataError
from factory.files import read_jsonl
from factory.record import Record, Value, plain, same, settle
from factory.span import Overlaps, Span, apart, problem, stratum
from factory.spec import Spec
from factory.spec_field import Field
from factory.strata import ANSWER, stratum_of
from factory.wording import settle as settled

Line = tuple[dict[str, Any], str]
"""A line of a file, and its place for people."""


class Gold(BaseModel):
    """A human-labelled row, for measuring (validation) or standing in for reviewers (reviewed).

    Attributes:
        id, text, label, spans, record, answer: as a Row's.
        told: the fields that people spoke of, where they did not speak of all; None: the record is whole.
    """

    model_config = ConfigDict(frozen=True)

    id: str
    text: str
    label: str = ""
    spans: tuple[Span, ...] | None = None
    record: Record | None = None
    answer: str | None = None
    told: tuple[str, ...] | None = None

    @property
    def stratum(self) -> str:
        """What rows are sampled by, as a Row's."""
        return stratum_by(self.label, self.spans, self.record, self.answer)


def stratum_by(label: str, spans: Iterable[Span] | None, record: Record | None, answer: str | None) -> str:
    """What rows are balanced, split and sampled by: the label, or which types of spans or which fields there are.

    Rows with answers are all of one.
    """
    if answer is not None:
        return ANSWER
    if record is not None:
        return stratum_of(record)
    return label if spans is None else stratum(spans)


def gold_of(spec: Spec, folder: Path, file: str = "validation.jsonl") -> list[Gold]:
    """A spec's human-labelled rows, by what it says of its decisions.

    Args:
        spec: the specialist.
        folder: settings.gold; the file is `<folder>/<spec.gold>/<file>`.
        file: `validation.jsonl` or `reviewed.jsonl`.

    Raises:
        DataError: as `read_gold`.
    """
    return read_gold(folder / spec.gold / file, spec.labels, spec.kind, spec.fields, spec.overlaps)


def read_gold(
    path: Path,
    labels: Iterable[str],
    kind: str = "classification",
    fields: Mapping[str, Field] | None = None,
    overlaps: Overlaps = "refused",
) -> list[Gold]:
    """Human-labelled rows from a JSONL file with `id`, `text` and the decision.

    Args:
        path: the file.
        labels: the spec's labels.
        kind: the spec's kind: `label` holds the decision; under `spans`, `entities`: a list of objects with `type`,
            `start`, `end` (code points) and `text`; under `extraction`, `record`: an object by the spec's fields; or
            `field` and `answer`, one of the fields and what a person answered in words (factory.answer): lines of one
            text are one row then, which is told as far as its answers could be read, and not at all beyond; under
            `generation`, `answer`.
        fields: the spec's fields, under `extraction`.
        overlaps: the spec's word on spans that overlap, under `spans`.

    Raises:
        DataError: the file is missing or empty, a line lacks a key, a label or field is not one of the spec's, an
            entity is not where it is said to be, or a record does not fit the fields.
    """
    if not path.is_file():
        raise DataError(
            "These human-labelled rows are missing.",
            where=str(path),
            fix="Put them there, a JSON object a line, or let FACTORY_GOLD name the folder that has them.",
        )
    lines = [(value, f"{path}:{number}") for number, value in enumerate(read_jsonl(path), 1)]
    rows = parse(lines, labels, kind, fields, overlaps)
    if not rows:
        raise DataError("The gold set is empty.", where=str(path), fix="Measure on at least a few hundred rows.")
    return rows


def parse(
    lines: Sequence[Line],
    labels: Iterable[str],
    kind: str = "classification",
    fields: Mapping[str, Field] | None = None,
    overlaps: Overlaps = "refused",
) -> list[Gold]:
    """The same of lines that were read already, each with its place; raises DataError."""
    known = list(labels)
    if kind == "extraction":
        return _recorded(lines, fields or {})
    if kind == "spans":
        return [_marked(value, known, where, overlaps) for value, where in lines]
    read = _answered if kind == "generation" else _labelled
    return [read(value, known, where) for value, where in lines]


def _labelled(value: dict[str, Any], labels: list[str], where: str) -> Gold:
    _complete(value, ("id", "text", "label"), where)
    if value["label"] not in labels:
        raise DataError(
            f"A gold row has the label {value['label']!r}, which the spec does not declare.",
            where=where,
            fix="Declare the label under `labels` in spec.yaml, or correct the row.",
        )
    return Gold(id=value["id"], text=value["text"], label=value["label"])


def _marked(value: dict[str, Any], labels: list[str], where: str, overlaps: Overlaps) -> Gold:
    _complete(value, ("id", "text"), where)
    fix = (
        "Write `entities` as a list of objects with `type`, `start`, `end` and `text`; it is empty where there is none."
    )
    text, said = value["text"], value.get("entities")
    try:
        if not isinstance(said, list):
            raise TypeError("`entities` is no list")
        spans = [Span(start=one["start"], end=one["end"], label=one["type"]) for one in said]
        moved = [
            one["text"] for one, span in zip(said, spans, strict=True) if text[span.start : span.end] != one["text"]
        ]
    except (TypeError, KeyError, ValueError) as error:
        raise DataError(f"A gold row's entities can't be read: {error}.", where=where, fix=fix) from error
    if moved:
        raise DataError(f"A gold row's entity is not where it is said to be: {moved[0]!r}.", where=where, fix=fix)
    if overlaps == "shorter":
        spans = apart(spans, labels)
    if reason := problem(text, spans, labels):
        if reason.startswith("overlapping"):
            fix = "Correct the row; or write `overlaps: shorter` in spec.yaml, and of two such spans the shorter stays."
        raise DataError(f"A gold row's entities are not sound: {reason}.", where=where, fix=fix)
    return Gold(id=value["id"], text=text, spans=tuple(sorted(spans, key=lambda span: span.start)))


def _answered(value: dict[str, Any], labels: list[str], where: str) -> Gold:
    _complete(value, ("id", "text", "answer"), where)
    if not (answer := settled(value["answer"])):
        raise DataError("A gold row's answer is blank, or nothing that can be written down.", where=where)
    return Gold(id=value["id"], text=value["text"], answer=answer)


def _recorded(lines: Sequence[Line], fields: Mapping[str, Field]) -> list[Gold]:
    """A row for every text: a whole record, or what people answered of single fields."""
    whole: list[Gold] = []
    texts: dict[str, list[Line]] = {}
    for value, where in lines:
        _complete(value, ("id", "text"), where)
        if "record" in value:
            whole.append(_whole(value, fields, where))
        else:
            _complete(value, ("field", "answer"), where)
            if value["field"] not in fields:
                raise DataError(
                    f"A gold row answers for the field {value['field']!r}, which the spec does not declare.",
                    where=where,
                    fix="Declare the field under `fields` in spec.yaml, or correct the row.",
                )
            texts.setdefault(value["text"], []).append((value, where))
    return [*whole, *(_partly(text, answers, fields) for text, answers in texts.items())]


def _whole(value: dict[str, Any], fields: Mapping[str, Field], where: str) -> Gold:
    record = plain(value["record"])
    settled, reason = ({}, "it is no flat JSON object") if record is None else settle(fields, value["text"], record)
    if reason:
        raise DataError(
            f"A gold row's record does not hold: {reason}.",
            where=where,
            fix="Write `record` as an object by the spec's fields; leave out a field that the text does not have.",
        )
    return Gold(id=value["id"], text=value["text"], record=settled)


def _partly(text: str, lines: Sequence[Line], fields: Mapping[str, Field]) -> Gold:
    """What people answered of a text: neither answers that are no value of their field, nor two that differ, count."""
    found: dict[str, list[Value | None]] = {}
    for value, _ in lines:
        found.setdefault(value["field"], []).append(value_of(fields[value["field"]], value["answer"]))
    record: Record = {}
    for name, values in found.items():
        if (first := values[0]) is not None and all(same(first, other) for other in values):
            optional = {name: fields[name].model_copy(update={"required": False})}
            record |= settle(optional, text, {name: first})[0]  # a quotation that is not in the text stays as it is
    return Gold(id=lines[0][0]["id"], text=text, record=record, told=tuple(record))


def _complete(value: dict[str, Any], keys: Iterable[str], where: str) -> None:
    missing = [key for key in keys if not isinstance(value.get(key), str) or not value[key]]
    if missing:
        raise DataError(f"A gold row lacks {', '.join(missing)}.", where=where)
