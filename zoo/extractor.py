"""A specialist that reads a record out of a text: it writes JSON, and can write no other than its fields allow."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.causal import CausalSpecialist, MeanProbability
from zoo.decoder import Read
from zoo.engine import Engine
from zoo.errors import BrokenSpecialist
from zoo.guide import Guide
from zoo.manifest import EXTRACTION, PROMPT, TOKENIZER, Manifest
from zoo.prompt import FIX
from zoo.record_grammar import record_automaton

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

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


class Extractor(CausalSpecialist[Extracted]):
    """A loaded specialist that reads records; see CausalSpecialist."""

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
        self._guide = Guide(record_automaton(self._prompt.fields), self._tokenizer, where=str(folder / TOKENIZER))

    def _answer(self, logits: NDArray[np.float32], read: Read) -> Extracted:
        guide, temperature = self._guide, self.manifest.temperature
        score, scores = MeanProbability(temperature), [MeanProbability(temperature) for _ in self.labels]
        ids, state = guide.forced(0)
        written, complete = list(ids), True
        while not guide.ended(state):
            if ids:  # what was chosen last, and all that must follow it, in one run
                logits, read = self._decoder.read(ids, read)
            short = len(written) >= self._prompt.max_new_tokens
            complete = complete and not short
            place = guide.part(state) // 2  # of a field; what stands before its value is a part too
            token, state, choice = guide.choose(logits, state, short=short)
            if choice:
                score.add(logits, token)
                scores[place].add(logits, token)
            following, state = guide.forced(state)
            ids = [token, *following]
            written += ids
        return self._extracted(written, score, scores, complete)

    def _by(self, engine: Engine, ids: list[int]) -> Extracted:
        """The same tokens, chosen among those that the engine finds likeliest.

        It writes on freely, and what it writes is taken up to where the record's grammar asks for something else; from
        there it writes on anew. A model that has learned to write records is asked once.
        """
        guide, most = self._guide, self._prompt.max_new_tokens
        score, scores = MeanProbability(1.0), [MeanProbability(1.0) for _ in self.labels]
        written, state = guide.forced(0)
        written = list(written)
        while not guide.ended(state) and len(written) < most:
            said = engine.complete(self.manifest.id, [*ids, *written], most=most - len(written), stop=self._prompt.stop)
            before, at = len(written), 0
            while at < len(said.likely) and not guide.ended(state):
                place = guide.part(state) // 2
                chosen = guide.choose_among(said.likely[at], state)
                if chosen is None:
                    break
                token, state, choice = chosen
                if choice:
                    score.count(said.likely[at][token])
                    scores[place].count(said.likely[at][token])
                following, state = guide.forced(state)
                written += [token, *following]
                end = at + 1 + len(following)
                if said.ids[at:end] != [token, *following]:
                    break
                at = end
            if len(written) == before:  # nothing that it finds likely may stand here
                break
        complete = guide.ended(state)
        return self._extracted([*written, *guide.closing(state)], score, scores, complete)

    def _extracted(
        self, written: list[int], score: MeanProbability, scores: Sequence[MeanProbability], complete: bool
    ) -> Extracted:
        return Extracted(
            values=_values(self._guide.said(written)),
            score=score.value,
            scores={name: one.value for name, one in zip(self.labels, scores, strict=True)},
            unsure=not complete or self.manifest.doubt.unsure(score.value),
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
