"""What somebody answered to gold rows, kept so that every figure can be computed again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from factory.errors import DataError
from factory.evidence import fields, words
from factory.evidence.decision import Decision, Known, Truth, Worded, kind_of, said, truth
from factory.evidence.records import rows_hash
from factory.files import read_jsonl, write_jsonl
from factory.row import Gold, Kind


def file_of(who: str) -> str:
    """Where the stage `evaluate` keeps somebody's answers, inside its folder."""
    return f"predictions/{who.replace(':', '_').replace(' ', '_')}.jsonl"


class Prediction(BaseModel):
    """One answer.

    Attributes:
        id, gold: of the gold row.
        predicted: the label answered, the spans found, the record read, or the words; None: no usable answer, which
            counts as wrong, as no span, as no field, or as like nothing.
        scores: probability of each label, where the predictor gives one; labels left out count 0. Or a score for each
            span found; or one, of the record or the words.
        seconds: how long it took, where measured.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    gold: Truth
    predicted: Decision | None
    scores: dict[str, float] | tuple[float, ...] | None = None
    seconds: float | None = None

    @property
    def right(self) -> bool:
        """Whether the answer is the gold label; all of the gold spans and no others; every field that people spoke of;
        or words that are alike."""
        answer: Any = self.predicted
        if isinstance(self.gold, Known):
            return fields.right(self.gold, answer)
        if isinstance(self.gold, Worded):
            return words.alike(self.gold, answer)
        return answer is not None and said(answer) == said(self.gold)

    @property
    def confidence(self) -> float:
        """The probability of the label given, or the score of the record or the words; 0 without an answer or scores.

        Of spans there is none: each has its own.
        """
        if self.predicted is None or self.scores is None or kind_of(self.gold) == "spans":
            return 0.0
        if isinstance(self.scores, dict):
            return self.scores.get(str(self.predicted), 0.0)
        return self.scores[0]


class Predictions(BaseModel):
    """Somebody's answers to a set of gold rows, each row once.

    Attributes:
        who, what, sample: as in Evidence.
        items: the answers.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    who: str
    what: str = ""
    sample: str = "all"
    items: tuple[Prediction, ...] = Field(min_length=1)

    def model_post_init(self, context: Any, /) -> None:
        """Refuse a row answered twice: it would count twice."""
        if len({item.id for item in self.items}) != len(self.items):
            raise ValueError("a gold row is answered twice")

    @property
    def kind(self) -> Kind:
        """What kind of task they belong to."""
        return kind_of(self.items[0].gold)

    @property
    def gold(self) -> list[Any]:
        """What people said."""
        return [item.gold for item in self.items]

    @property
    def rights(self) -> list[bool]:
        """Whether each answer is right."""
        return [item.right for item in self.items]

    @property
    def confidences(self) -> list[float]:
        """How sure each answer is."""
        return [item.confidence for item in self.items]

    @property
    def predicted(self) -> list[Any]:
        """The answers."""
        return [item.predicted for item in self.items]

    @property
    def rows(self) -> str:
        """sha256 of the rows answered."""
        return rows_hash((item.id, said(item.gold)) for item in self.items)

    @property
    def scored(self) -> bool:
        """Whether every answer given has scores."""
        answered = [item for item in self.items if item.predicted is not None]
        return bool(answered) and all(item.scores is not None for item in answered)

    def on(self, ids: Iterable[str]) -> Predictions:
        """These answers to some of the rows, in the order of `ids`; raises KeyError for a row not answered."""
        known = {item.id: item for item in self.items}
        return self.model_copy(update={"items": tuple(known[one] for one in ids)})


def answers(
    who: str,
    gold: Sequence[Gold],
    predicted: Sequence[Decision | None],
    *,
    what: str = "",
    sample: str = "all",
    scores: Sequence[dict[str, float] | Sequence[float] | None] | None = None,
    seconds: Sequence[float | None] | None = None,
) -> Predictions:
    """Answers, in the order of the gold rows, as Predictions; raises ValueError where lengths differ."""
    empty: list[Any] = [None] * len(gold)
    columns = zip(gold, predicted, scores or empty, seconds or empty, strict=True)
    items = tuple(
        Prediction(id=row.id, gold=truth(row), predicted=answer, scores=_plain(score), seconds=second)
        for row, answer, score, second in columns
    )
    return Predictions(who=who, what=what, sample=sample, items=items)


def write_predictions(path: Path, predictions: Predictions) -> int:
    """Write as JSONL, atomically: first a line of who, what, sample and rows, then a line an answer."""
    head = {**predictions.model_dump(mode="json", exclude={"items"}), "rows": predictions.rows}
    return write_jsonl(path, [head, *(item.model_dump(mode="json") for item in predictions.items)]) - 1


def read_predictions(path: Path) -> Predictions:
    """Read what write_predictions wrote.

    Raises:
        DataError: the file is missing, broken, or holds other rows than its first line says.
    """
    lines = read_jsonl(path)
    if not lines or "who" not in lines[0]:
        raise DataError("This file holds no predictions: its first line does not say whose.", where=str(path))
    head = dict(lines[0])
    rows = head.pop("rows", "")
    try:
        predictions = Predictions.model_validate({**head, "items": lines[1:]})
    except ValidationError as error:
        item = error.errors()[0]
        key = ".".join(str(part) for part in item["loc"])
        raise DataError(f"These predictions can't be read: {key}: {item['msg']}.", where=str(path)) from error
    if predictions.rows != rows:
        raise DataError("These predictions are not on the rows their first line names.", where=str(path))
    return predictions


def _plain(scores: dict[str, float] | Sequence[float] | None) -> dict[str, float] | tuple[float, ...] | None:
    """Python floats, rounded to what a probability can mean, so that files stay small."""
    if isinstance(scores, dict):
        return {label: _rounded(value) for label, value in scores.items()}
    return None if scores is None else tuple(map(_rounded, scores))


def _rounded(value: float) -> float:
    return round(float(np.float64(value)), 6)
