"""What people said of like texts, shown to a large model before it is asked about one: few-shot, by the nearest.

Which rows are shown is chosen for each text ("What Makes Good In-Context Examples for GPT-3?", Liu et al. 2022): those
that the specialist says the same of, by the cosine between its logits. So they are of the labels that come into
question, and what a large model sees is the choice that the specialist was not sure of.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from zoo import inputs
from zoo.errors import BadInput

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from zoo.classifier import Classifier

MOST, WORDS = 5, 300
"""Rows that are shown at most, and words of them; a row that has more by itself is passed over."""
_KEPT = 1024  # texts whose rows are remembered: they are needed to tell what a call may cost, and by every attempt
Labelled = Sequence[tuple[str, str]]
"""Texts, and what people said of each."""


class Shots:
    """Rows that people labelled, and which of them to show beside a text. Safe to use from several threads at once.

    Args:
        rows: (text, label) each, or a file of them, see `read`.
        specialist: who tells which are alike; it reads all of them now.

    Raises:
        BadInput: no row, a text that it can't read, or another label than its own; with the row's place.
    """

    def __init__(self, rows: Labelled | str | Path, specialist: Classifier) -> None:
        where = str(rows) if isinstance(rows, str | Path) else "shots"
        self.rows = tuple(read(rows)) if isinstance(rows, str | Path) else tuple(rows)
        if not self.rows:
            raise BadInput("There is no row to show.", where=where)
        for place, (_, label) in enumerate(self.rows):
            if label not in specialist.labels:
                raise BadInput(
                    f"{label!r} is no label of {specialist.manifest.id}.",
                    where=f"{where}, row {place}",
                    fix=f"Its labels are {', '.join(specialist.labels)}.",
                )
        self._specialist = specialist
        try:
            said = specialist.logits([text for text, _ in self.rows])
        except BadInput as error:
            raise BadInput(error.what, where=f"{where}, {error.where}", fix=error.fix) from error
        self._middle: NDArray[np.float32] = said.mean(axis=0)
        self._known = self._unit(said)
        self._lengths = [len(text.split()) for text, _ in self.rows]
        self.near = lru_cache(_KEPT)(self._near)

    def _near(self, text: str) -> tuple[tuple[str, str], ...]:
        """The rows to show before a question about this text, the likest last; never one with the same text."""
        order = (-(self._known @ self._unit(self._specialist.logits([text]))[0])).argsort(kind="stable")
        found: list[tuple[str, str]] = []
        words = 0
        for place in order:
            if self._lengths[place] > WORDS or self.rows[place][0] == text:
                continue
            words += self._lengths[place]
            if len(found) == MOST or words > WORDS:
                break
            found.append(self.rows[place])
        return tuple(found[::-1])

    def _unit(self, logits: NDArray[np.float32]) -> NDArray[np.float32]:
        import numpy as np

        # A logit says something beside the other labels' alone, and beside what is said of any text.
        told = logits - self._middle
        told = told - told.mean(axis=1, keepdims=True)
        found: NDArray[np.float32] = told / np.maximum(np.linalg.norm(told, axis=1, keepdims=True), 1e-12)
        return found


def read(path: str | Path) -> list[tuple[str, str]]:
    """The rows of a file with columns `text` and `label`: .csv, .jsonl, .ndjson or .parquet.

    Raises:
        BadInput: the file can't be read, or a row has not both; with its place.
    """
    if Path(path).suffix.lower() == ".txt":
        raise BadInput("A file of lines has no labels.", where=str(path), fix="Give a .csv, .jsonl or .parquet file.")
    fix = "Give a file whose rows all have `text` and `label`."
    rows: list[tuple[str, str]] = []
    try:
        for place, (text, label) in enumerate(zip(inputs.read(path, "text"), inputs.read(path, "label"), strict=True)):
            for value in (text, label):
                if isinstance(value, BadInput):
                    raise BadInput(value.what, where=f"row {place}")
            rows.append((str(text), str(label)))
    except BadInput as error:
        where = f"{path}, {error.where}" if error.where.startswith("row ") else str(path)
        raise BadInput(error.what, where=where, fix=fix) from error
    return rows
