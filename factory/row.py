"""A row and its lineage."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from factory.errors import DataError
from factory.files import digest, read_jsonl, write_jsonl
from factory.span import Span as Span
from factory.span import mark, problem, stratum

Origin = Literal["generated", "unlabelled", "reviewed", "example"]


class Verdict(BaseModel):
    """What one check said of a row.

    Attributes:
        check: the check's name, e.g. `length`.
        passed: False drops the row.
        score: the check's figure, in its own unit (a probability, a similarity, a count); None if it has none.
        reason: one sentence for a person; empty when there is nothing to say.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    check: str
    passed: bool
    score: float | None = None
    reason: str = ""


class Lineage(BaseModel):
    """Where a row came from: enough to ask for it again.

    Attributes:
        spec: name and hash of the spec, `support/intent#1a2b3c4d`.
        cell: id of the plan cell that asked for it; empty for real text.
        source: id of the seed document, unlabelled row or reviewed row it rests on; empty if invented.
        prompt: sha256 of the prompt as sent.
        reply: key of the teacher's reply in the cache.
        teacher: the teacher and its revision.
        reviewers: pseudonyms of the people who looked at it.
        was: the decision (`Row.decision`) before a person corrected it; None if nobody did.
    """

    model_config = ConfigDict(extra="forbid")

    spec: str
    cell: str = ""
    source: str = ""
    prompt: str = ""
    reply: str = ""
    teacher: str = ""
    reviewers: list[str] = Field(default_factory=list)
    was: str | None = None


class Row(BaseModel):
    """One example of a task.

    The id is the hash of the text alone: a label is a decision about the row, and a corrected decision
    must still be the same row.

    Attributes:
        text: what the specialist will be given.
        label: the decision, one of the spec's labels; empty where the decision is a set of spans.
        spans: the decision where the kind of task is `spans`, by start; None for any other kind.
        soft: probability of each label, as the teacher and the committee see it; sums to 1; None: all on `label`.
        weight: how much training should listen to the row, 0 to 1.
        origin: who wrote the text.
        attributes: the plan's axes for a generated row, e.g. {"tone": "angry"}.
        verdicts: what every check said, in order.
    """

    model_config = ConfigDict(extra="forbid")

    text: str
    label: str = ""
    spans: tuple[Span, ...] | None = None
    soft: dict[str, float] | None = None
    weight: float = Field(default=1.0, ge=0.0, le=1.0)
    origin: Origin
    attributes: dict[str, str] = Field(default_factory=dict)
    lineage: Lineage
    verdicts: list[Verdict] = Field(default_factory=list)

    @model_validator(mode="after")
    def _decided(self) -> Row:
        if (self.spans is None) == (not self.label):
            raise ValueError("a row has either a label or spans")
        return self

    @property
    def id(self) -> str:
        """16 hex digits of sha256 over the text."""
        return row_id(self.text)

    @property
    def decision(self) -> str:
        """The label; or the text with its spans as tags (factory.span.mark), which says the same of spans."""
        if self.spans is None:
            return self.label
        return f"unsound spans: {self.spans}" if problem(self.text, self.spans) else mark(self.text, self.spans)

    @property
    def stratum(self) -> str:
        """What rows are balanced and split by: the label, or which types of spans there are."""
        return self.label if self.spans is None else stratum(self.spans)

    def distribution(self) -> dict[str, float]:
        """The label's probability distribution (sums to 1)."""
        return self.soft if self.soft is not None else {self.label: 1.0}

    def to_json(self) -> dict[str, Any]:
        """A JSON object that `Row.from_json` reads back."""
        said = self.model_dump(mode="json", exclude={"spans"} if self.spans is None else None)
        return {"id": self.id, **said}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Row:
        """Read what `to_json` wrote; the id is recomputed, not believed."""
        return cls.model_validate({key: item for key, item in value.items() if key != "id"})


class Gold(BaseModel):
    """A human-labelled row, for measuring (validation) or standing in for reviewers (reviewed)."""

    model_config = ConfigDict(frozen=True)

    id: str
    text: str
    label: str = ""
    spans: tuple[Span, ...] | None = None


def row_id(text: str) -> str:
    """The id of the row that holds this text: 16 hex digits of its sha256."""
    return digest(text)[:16]


def read_rows(path: Path) -> list[Row]:
    """Rows from a JSONL file."""
    return [Row.from_json(value) for value in read_jsonl(path)]


def write_rows(path: Path, rows: Iterable[Row]) -> int:
    """Write rows as JSONL, atomically; returns how many."""
    return write_jsonl(path, (row.to_json() for row in rows))


def read_gold(path: Path, labels: Iterable[str], kind: str = "classification") -> list[Gold]:
    """Human-labelled rows from a JSONL file with `id`, `text` and the decision.

    Args:
        path: the file.
        labels: the spec's labels.
        kind: the spec's kind: `label` holds the decision; under `spans`, `entities`: a list of objects with `type`,
            `start`, `end` (code points) and `text`.

    Raises:
        DataError: the file is missing or empty, a line lacks a key, a label is not one of the spec's, or an entity is
            not where it is said to be.
    """
    known = list(labels)
    read = _marked if kind == "spans" else _labelled
    rows = [read(value, known, f"{path}:{number}") for number, value in enumerate(read_jsonl(path), 1)]
    if not rows:
        raise DataError("The gold set is empty.", where=str(path), fix="Measure on at least a few hundred rows.")
    return rows


def _labelled(value: dict[str, Any], labels: list[str], where: str) -> Gold:
    _complete(value, ("id", "text", "label"), where)
    if value["label"] not in labels:
        raise DataError(
            f"A gold row has the label {value['label']!r}, which the spec does not declare.",
            where=where,
            fix="Declare the label under `labels` in spec.yaml, or correct the row.",
        )
    return Gold(id=value["id"], text=value["text"], label=value["label"])


def _marked(value: dict[str, Any], labels: list[str], where: str) -> Gold:
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
    if reason := problem(text, spans, labels):
        raise DataError(f"A gold row's entities are not sound: {reason}.", where=where, fix=fix)
    return Gold(id=value["id"], text=text, spans=tuple(sorted(spans, key=lambda span: span.start)))


def _complete(value: dict[str, Any], keys: Iterable[str], where: str) -> None:
    missing = [key for key in keys if not isinstance(value.get(key), str) or not value[key]]
    if missing:
        raise DataError(f"A gold row lacks {', '.join(missing)}.", where=where)
