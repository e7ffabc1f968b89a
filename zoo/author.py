"""Specialists that write: a causal language model behind ONNX Runtime, token by token, most likely first."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.decoder import Decoder, Read
from zoo.errors import BadInput
from zoo.manifest import PROMPT, TOKENIZER, Manifest
from zoo.prompt import Frame, Prompt
from zoo.runtime import open_tokenizer
from zoo.specialist import Specialist

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Author(Specialist):
    """A specialist whose model writes its answer; see Specialist.

    What its prompt says before every text is read once, when it is loaded. Texts are answered one by one: an answer
    depends on its text and nothing else.
    """

    def __init__(self, folder: Path, manifest: Manifest, *, threads: int = 1, **how: Any) -> None:
        super().__init__(folder, manifest, threads=threads, **how)
        self._prompt = Prompt.read(folder / PROMPT)
        self._tokenizer, _ = open_tokenizer(folder / TOKENIZER, None)
        self._frame = Frame(self._prompt, self._tokenizer, manifest.max_tokens)
        self._decoder = Decoder(folder / self.weights, threads)
        self._before = self._decoder.nothing
        if self._frame.before:
            _, self._before = self._decoder.read(self._frame.before, self._before)
        logits, _ = self._decoder.read([0], self._before)
        known = self._tokenizer.get_vocab_size()
        if len(logits) < known or max(self._prompt.stop) >= len(logits):
            raise self._broken(
                f"its model knows {len(logits)} tokens, its tokenizer {known}, and it stops at {self._prompt.stop}"
            )

    def _begin(self, text: str, place: int) -> tuple[NDArray[np.float32], Read]:
        """The first token's logits, once the text and what is around it were read."""
        if not self._frame.words(text):
            raise BadInput("This text holds nothing the specialist can read.", where=f"text {place}")
        return self._decoder.read(self._frame.rest(text), self._before)

    def _unsure(self, score: float, complete: bool) -> bool:
        threshold = self.manifest.threshold
        return not complete or (threshold is not None and score < threshold)


class Odds:
    """How likely a model found the tokens that it chose."""

    def __init__(self, temperature: float) -> None:
        self._temperature = temperature
        self._sum, self._count = 0.0, 0

    def add(self, logits: NDArray[np.float32], token: int) -> None:
        """Count one: softmax(logits / temperature) of the token, among all there are."""
        import numpy as np

        above = (logits - logits.max()) / np.float32(self._temperature)
        self._sum += float(above[token]) - math.log(float(np.exp(above).sum(dtype=np.float64)))
        self._count += 1

    @property
    def mean(self) -> float:
        """The geometric mean of the probabilities, 0 to 1; of none, 1."""
        return math.exp(self._sum / self._count) if self._count else 1.0
