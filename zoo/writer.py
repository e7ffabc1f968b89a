"""A specialist that answers in words of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from zoo.causal import CausalSpecialist, MeanProbability
from zoo.decoder import Read
from zoo.engine import Engine
from zoo.manifest import GENERATION

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Written:
    """What a writer says to a text.

    Attributes:
        text: the answer, without white space around it; it may be empty.
        score: how likely the model found its words, 0 to 1: the geometric mean of its tokens' calibrated probabilities.
        unsure: the score is below the specialist's threshold, or the answer is not complete: better ask a person, or a
            larger model.
        complete: whether the model came to an end by itself; what is longer than its prompt allows is cut.
    """

    text: str
    score: float
    unsure: bool
    complete: bool


class Writer(CausalSpecialist[Written]):
    """A loaded specialist that writes; see CausalSpecialist."""

    KIND = GENERATION

    def _answer(self, logits: NDArray[np.float32], read: Read) -> Written:
        score, ids = MeanProbability(self.manifest.temperature), list[int]()
        while True:
            token = int(logits.argmax())
            score.add(logits, token)
            complete = token in self._prompt.stop
            if complete:
                break
            ids.append(token)
            if len(ids) == self._prompt.max_new_tokens:
                break
            logits, read = self._decoder.read([token], read)
        return self._written(ids, score.value, complete)

    def _by(self, engine: Engine, ids: list[int]) -> Written:
        most, stop = self._prompt.max_new_tokens, self._prompt.stop
        said = engine.complete(self.manifest.id, ids, most=most, stop=stop)
        score = MeanProbability(1.0)
        for token, likely in zip([*said.ids, *said.ended_by], said.likely, strict=True):
            score.count(likely[token])
        return self._written(said.ids, score.value, bool(said.ended_by))

    def _written(self, ids: list[int], score: float, complete: bool) -> Written:
        text = self._tokenizer.decode(ids, skip_special_tokens=True).strip()
        return Written(text, score, unsure=not complete or self.manifest.doubt.unsure(score), complete=complete)
