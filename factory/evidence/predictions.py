"""What somebody answered to gold rows, kept so that every figure can be computed again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from factory.errors import DataError
from factory.evidence.records import Decision, decision, rows_hash, said
from factory.files import read_jsonl, write_jsonl
from factory.row import Gold


class Prediction(BaseModel):
    """One answer.

    Attributes:
        id, gold: of the gold row.
        predicted: the label answered, or the spans found; None: no usable answer, which counts as wrong, or as no span.
        scores: probability of each label, where the predictor gives one; labels left out count 0. Or a score for each
            span found.
        seconds: how long it took, where measured.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    gold: Decision
    predicted: Decision | None
    scores: dict[str, float] | tuple[float, ...] | None = None
    seconds: float | None = None

    @property
    def right(self) -> bool:
        """Whether the answer is the gold label, or all of the gold spans and no others."""
        if self.predicted is None:
            return False
        return said(self.predicted) == said(self.gold)

    @property
    def confidence(self) -> float:
        """The probability of the label given; 0 without one or without scores."""
        if not isinstance(self.predicted, str) or not isinstance(self.scores, dict):
            return 0.0
        return self.scores.get(self.predicted, 0.0)


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
    def of_spans(self) -> bool:
        """Whether these are spans, and not labels."""
        return not isinstance(self.items[0].gold, str)

    @property
    def gold(self) -> list[Any]:
        """The gold labels, or spans."""
        return [item.gold for item in self.items]

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
        Prediction(id=row.id, gold=decision(row), predicted=answer, scores=_plain(score), seconds=second)
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
