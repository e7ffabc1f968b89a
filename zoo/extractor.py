"""A specialist that reads a record out of a text: it writes JSON, and can write no other than its fields allow."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, overload

from zoo.author import Author, Odds
from zoo.errors import BrokenSpecialist
from zoo.manifest import EXTRACTION, PROMPT, Manifest
from zoo.prompt import FIX
from zoo.record_grammar import record_automaton
from zoo.specialist import check_texts
from zoo.steps import Steps

Scalar = bool | int | float | str


@dataclass(frozen=True)
class Extracted:
    """What was read out of a text.

    Attributes:
        values: field to value, in the manifest's order: a text, number, truth value or a list of these, of the field's
            form; what the text does not have is left out.
        score: how likely the model found what it wrote, 0 to 1: the geometric mean of the calibrated probabilities of
            the tokens that it chose; those it had no choice of do not count.
        scores: the same of every field alone, of the absent ones too.
        unsure: the score is below the specialist's threshold, or the record is not complete: better ask a person, or a
            larger model.
        complete: whether there was room for the whole record; if not, a value may break off and fields be missing.
    """

    values: Mapping[str, Scalar | list[Scalar]] = field(hash=False)
    score: float
    scores: Mapping[str, float] = field(hash=False)
    unsure: bool
    complete: bool


class Extractor(Author):
    """A loaded specialist that reads records; see Author. Long texts are cut to the manifest's max_tokens."""

    KIND = EXTRACTION

    def __init__(self, folder: Path, manifest: Manifest, **how: Any) -> None:
        super().__init__(folder, manifest, **how)
        if tuple(self._prompt.fields) != self.labels:
            raise BrokenSpecialist(
                f"The prompt has the fields {', '.join(self._prompt.fields) or 'none'}, and the manifest "
                f"{', '.join(self.labels)}.",
                where=str(folder / PROMPT),
                fix=FIX,
            )
        self._steps = Steps(record_automaton(self._prompt.fields), self._tokenizer)

    @overload
    def predict(self, text: str) -> Extracted: ...

    @overload
    def predict(self, text: list[str] | tuple[str, ...]) -> list[Extracted]: ...

    def predict(self, text: str | list[str] | tuple[str, ...]) -> Extracted | list[Extracted]:
        """Read a record out of a text, or of each text of a list.

        Args:
            text: one text, or a list of any length; what does not fit beside the prompt is cut off at its end.

        Returns:
            an Extracted for a text; a list of them, in the texts' order, for a list.

        Raises:
            BadInput: not a text, an empty one, or one that is not Unicode; names its place in the list.
        """
        if isinstance(text, str):
            return self.predict([text])[0]
        check_texts(text)
        return [self._extract(one, place) for place, one in enumerate(text)]

    def _extract(self, text: str, place: int) -> Extracted:
        logits, read = self._begin(text, place)
        steps, temperature = self._steps, self.manifest.temperature
        whole, each = Odds(temperature), [Odds(temperature) for _ in self.labels]
        ids, state = steps.forced(0)
        written, complete = list(ids), True
        while not steps.ended(state):
            if ids:  # what was chosen last, and all that must follow it, in one run
                logits, read = self._decoder.read(ids, read)
            short = len(written) >= self._prompt.max_new_tokens
            complete = complete and not short
            field_ = steps.part(state) // 2  # what stands before a value is a part too
            token, state, choice = steps.choose(logits, state, short=short)
            if choice:
                whole.add(logits, token)
                each[field_].add(logits, token)
            following, state = steps.forced(state)
            ids = [token, *following]
            written += ids
        return Extracted(
            values=_values(steps.said(written)),
            score=whole.mean,
            scores={name: odds.mean for name, odds in zip(self.labels, each, strict=True)},
            unsure=self._unsure(whole.mean, complete),
            complete=complete,
        )


def _values(said: bytes) -> dict[str, Scalar | list[Scalar]]:
    record = json.loads(said)
    return {
        name: [_plain(one) for one in value] if isinstance(value, list) else _plain(value)
        for name, value in record.items()
        if value is not None
    }


def _plain(value: Scalar) -> Scalar:
    """Strings without white space around them, whole numbers as int."""
    if isinstance(value, str):
        return value.strip()
    return int(value) if isinstance(value, float) and value == int(value) else value
