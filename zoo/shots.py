"""What people said of like texts, shown to a large model before it is asked about one: few-shot, by the nearest.

Which rows are shown is chosen for each text ("What Makes Good In-Context Examples for GPT-3?", Liu et al. 2022). Of a
classifier those that it says the same of, by the cosine between its logits: so they are of the labels that come into
question, and what a large model sees is the choice that the specialist was not sure of. Of others those that share its
words.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo import inputs
from zoo.classifier import Classifier
from zoo.errors import BadInput
from zoo.kinds import Kind, Unusable
from zoo.likeness import Likeness
from zoo.specialist import check_texts

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MOST, WORDS = 5, 300
"""Rows that are shown at most, and words of them; a row that has more by itself is passed over."""
_KEPT = 1024  # texts whose rows are remembered: they are needed to tell what a call may cost, and by every attempt
Labelled = Sequence[tuple[str, Any]]
"""Texts, and what people said of each: a label, spans, values by field, or words (as Cascade takes it of functions)."""


class Shots:
    """Rows that people labelled, and which of them to show beside a text. Safe to use from several threads at once.

    Args:
        rows: (text, what is right) each, or a file of them, see `read`.
        specialist: who tells which are alike, if it is a classifier; it reads all of them now.
        kind: of its answers.

    Attributes:
        rows: the texts, and the reply that is right for each.

    Raises:
        BadInput: no row, a text that can't be read, or what is no answer of its kind; with the row's place.
    """

    def __init__(self, rows: Labelled | str | Path, specialist: Any, kind: Kind[Any]) -> None:
        where = str(rows) if isinstance(rows, str | Path) else "shots"
        given = list(read(rows, kind.column)) if isinstance(rows, str | Path) else list(rows)
        if not given:
            raise BadInput("There is no row to show.", where=where)
        texts = [text for text, _ in given]
        try:
            check_texts(texts)
            # A text that a classifier has no words of is told here, too.
            self._like = _Logits(specialist, texts) if isinstance(specialist, Classifier) else Likeness(texts)
        except BadInput as error:
            raise BadInput(error.what, where=f"{where}, {error.where}", fix=error.fix) from error
        self.rows = tuple(_rows(given, kind, where))
        self._lengths = [len(text.split()) for text, _ in self.rows]
        self.near = lru_cache(_KEPT)(self._near)

    def _near(self, text: str) -> tuple[tuple[str, str], ...]:
        """The rows to show before a question about this text, the likest last; never one with the same text."""
        found: list[tuple[str, str]] = []
        words = 0
        for place in (-self._like.to(text)).argsort(kind="stable"):
            if self._lengths[place] > WORDS or self.rows[place][0] == text:
                continue
            words += self._lengths[place]
            if len(found) == MOST or words > WORDS:
                break
            found.append(self.rows[place])
        return tuple(found[::-1])


class _Logits:
    """Texts by what a classifier says of them."""

    def __init__(self, specialist: Classifier, texts: list[str]) -> None:
        self._specialist = specialist
        said = specialist.logits(texts)
        self._middle: NDArray[np.float32] = said.mean(axis=0)
        self._known = self._unit(said)

    def to(self, text: str) -> NDArray[np.float32]:
        """The cosine between a text and each: float32 [texts]."""
        found: NDArray[np.float32] = self._known @ self._unit(self._specialist.logits([text]))[0]
        return found

    def _unit(self, logits: NDArray[np.float32]) -> NDArray[np.float32]:
        import numpy as np

        # A logit says something beside the other labels' alone, and beside what is said of any text.
        told = logits - self._middle
        told = told - told.mean(axis=1, keepdims=True)
        found: NDArray[np.float32] = told / np.maximum(np.linalg.norm(told, axis=1, keepdims=True), 1e-12)
        return found


def _rows(given: Labelled, kind: Kind[Any], where: str) -> Iterator[tuple[str, str]]:
    for place, (text, right) in enumerate(given):
        try:
            yield text, kind.reply(kind.take(text, right))
        except Unusable as error:
            what, fix = f"What people said can't be shown: {error}.", f"There are {', '.join(kind.labels)}."
            raise BadInput(what, where=f"{where}, row {place}", fix=fix) from error


def read(path: str | Path, column: str = "label") -> list[tuple[str, Any]]:
    """The rows of a file with columns `text` and another: .csv (of labels and words), .jsonl, .ndjson or .parquet.

    Args:
        path: the file.
        column: where what is right stands, by kind: `label`, `entities` (a list of `type`, `start` and `end`), `record`
            (an object) or `answer`, as `zoo audit export` writes them.

    Raises:
        BadInput: the file can't be read, or a row has not both; with its place.
    """
    fix = f"Give a file whose rows all have `text` and `{column}`."
    if Path(path).suffix.lower() == ".txt":
        raise BadInput("A file of lines has texts alone.", where=str(path), fix="Give a .csv, .jsonl or .parquet file.")
    rows: list[tuple[str, Any]] = []
    try:
        for place, (text, right) in enumerate(zip(inputs.read(path), inputs.values(path, column), strict=True)):
            for value in (text, right):
                if isinstance(value, BadInput):
                    raise BadInput(value.what, where=f"row {place}")
            if right is None:
                raise BadInput(f"The row has nothing in {column!r}.", where=f"row {place}")
            rows.append((str(text), right))
    except BadInput as error:
        where = f"{path}, {error.where}" if error.where.startswith("row ") else str(path)
        raise BadInput(error.what, where=where, fix=fix) from error
    return rows
