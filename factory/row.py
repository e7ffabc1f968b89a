"""A row and its lineage."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from factory.files import digest, read_jsonl, write_jsonl
from factory.gold import Gold as Gold
from factory.gold import read_gold as read_gold
from factory.gold import stratum_by
from factory.record import Record, written
from factory.span import Span as Span
from factory.span import mark, problem

Kind = Literal["classification", "spans", "extraction", "generation"]
"""What a decision is: one label a text, named stretches of it, a record read out of it, or an answer in words."""
DECIDES: Mapping[Kind, str] = {
    "classification": "label", "spans": "spans", "extraction": "record", "generation": "answer"
}  # fmt: skip
"""Kind to the field of a row that holds its decision; people are asked for it by the same name."""
Origin = Literal["generated", "unlabelled", "reviewed", "example"]
CORRECTED, UNSURE, DRAWN = "corrected in production: ", "unsure in production: ", "drawn from production: "
"""How a row's source begins where its text was asked of a published version (factory.feedback)."""


REVIEW = "review"
"""The check that people are: what its verdict says is theirs."""


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
        label: the decision, one of the spec's labels; empty for any other kind than `classification`.
        spans: the decision where the kind of task is `spans`, by start; None for any other kind.
        record: the decision where the kind of task is `extraction`, by field; None for any other kind.
        answer: the decision where the kind of task is `generation`; empty as long as nobody has answered; None for any
            other kind.
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
    record: Record | None = None
    answer: str | None = None
    soft: dict[str, float] | None = None
    weight: float = Field(default=1.0, ge=0.0, le=1.0)
    origin: Origin
    attributes: dict[str, str] = Field(default_factory=dict)
    lineage: Lineage
    verdicts: list[Verdict] = Field(default_factory=list)

    @model_validator(mode="after")
    def _decided(self) -> Row:
        others = (self.spans, self.record, self.answer)
        if bool(self.label) + sum(one is not None for one in others) != 1:
            raise ValueError("a row has either a label, or spans, or a record, or an answer")
        return self

    @property
    def kind(self) -> Kind:
        """The kind of its decision."""
        if self.answer is not None:
            return "generation"
        if self.record is not None:
            return "extraction"
        return "classification" if self.spans is None else "spans"

    @property
    def id(self) -> str:
        """16 hex digits of sha256 over the text."""
        return row_id(self.text)

    @property
    def decision(self) -> str:
        """The label; or the text with its spans as tags (factory.span.mark); the record as JSON text; the answer."""
        if self.answer is not None:
            return self.answer
        if self.record is not None:
            return written(self.record)
        if self.spans is None:
            return self.label
        return f"unsound spans: {self.spans}" if problem(self.text, self.spans) else mark(self.text, self.spans)

    @property
    def stratum(self) -> str:
        """What rows are balanced and split by (factory.gold.stratum_by)."""
        return stratum_by(self.label, self.spans, self.record, self.answer)

    @property
    def told(self) -> tuple[str, ...] | None:
        """The fields that people spoke of, where they did not speak of all (Gold.told); None: the record is whole."""
        said = self.attributes.get("told")
        return None if said is None else tuple(filter(None, said.split(", ")))

    @property
    def from_production(self) -> bool:
        """Whether its text was asked of a published version, and came back."""
        return self.lineage.source.startswith((CORRECTED, UNSURE, DRAWN))

    @property
    def picked(self) -> bool:
        """Whether it came back because of what the version answered: such rows are no sample of what is asked."""
        return self.lineage.source.startswith((CORRECTED, UNSURE))

    def distribution(self) -> dict[str, float]:
        """The label's probability distribution (sums to 1)."""
        return self.soft if self.soft is not None else {self.label: 1.0}

    def to_json(self) -> dict[str, Any]:
        """A JSON object that `Row.from_json` reads back."""
        other = {name for name in ("spans", "record", "answer") if getattr(self, name) is None}
        said = self.model_dump(mode="json", exclude=other)
        return {"id": self.id, **said}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Row:
        """Read what `to_json` wrote; the id is recomputed, not believed."""
        return cls.model_validate({key: item for key, item in value.items() if key != "id"})


def row_id(text: str) -> str:
    """The id of the row that holds this text: 16 hex digits of its sha256."""
    return digest(text)[:16]


def read_rows(path: Path) -> list[Row]:
    """Rows from a JSONL file."""
    return [Row.from_json(value) for value in read_jsonl(path)]


def write_rows(path: Path, rows: Iterable[Row]) -> int:
    """Write rows as JSONL, atomically; returns how many."""
    return write_jsonl(path, (row.to_json() for row in rows))
