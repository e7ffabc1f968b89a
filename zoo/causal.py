"""Specialists that write: a causal language model behind ONNX Runtime, token by token, the likeliest first."""

from __future__ import annotations

import math
from abc import abstractmethod
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from zoo.decoder import Decoder, Read
from zoo.engine import Engine
from zoo.errors import BadInput
from zoo.manifest import PROMPT, TOKENIZER, Manifest
from zoo.prompt import Frame, Prompt
from zoo.runtime import open_tokenizer
from zoo.specialist import Specialist, check_texts

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

AnswerT = TypeVar("AnswerT")


class CausalSpecialist(Specialist, Generic[AnswerT]):
    """A specialist whose model writes its answer; see Specialist.

    What its prompt says before every text is read once, when it is loaded. Texts are answered one by one: an answer
    depends on its text and nothing else.

    Args:
        batch_size: None; there is nothing to choose.
        engine: who runs the model in this process's place; texts of a list are then asked about side by side.
        how: what Specialist takes.

    Raises:
        BadInput: a batch_size; an engine for a specialist whose probabilities are not those that it gives.
    """

    def __init__(
        self,
        folder: Path,
        manifest: Manifest,
        *,
        threads: int = 1,
        batch_size: int | None = None,
        engine: Engine | None = None,
        **how: Any,
    ) -> None:
        super().__init__(folder, manifest, threads=threads, **how)
        if batch_size is not None:
            raise BadInput(f"{manifest.id} answers one text at a time.", fix="Leave batch_size out.")
        self._prompt = Prompt.read(folder / PROMPT)
        self._tokenizer, _ = open_tokenizer(folder / TOKENIZER, None)
        self._frame = Frame(self._prompt, self._tokenizer, manifest.max_tokens, where=str(folder / PROMPT))
        self.engine = engine
        if engine is not None:
            if manifest.temperature != 1.0:
                raise BadInput(
                    f"{manifest.id} divides logits by {manifest.temperature:g}; engines don't.", fix="Run it here."
                )
            return
        self._decoder = self._opened(threads)
        self._before = self._decoder.nothing
        if self._frame.before:
            _, self._before = self._decoder.read(self._frame.before, self._before)
        logits, _ = self._decoder.read([0], self._before)
        known = self._tokenizer.get_vocab_size()
        if len(logits) < known or max(self._prompt.stop) >= len(logits):
            raise self._broken(
                f"its model knows {len(logits)} tokens, its tokenizer {known}, and it stops at {self._prompt.stop}"
            )

    @overload
    def predict(self, text: str) -> AnswerT: ...

    @overload
    def predict(self, text: list[str] | tuple[str, ...]) -> list[AnswerT]: ...

    def predict(self, text: str | list[str] | tuple[str, ...]) -> AnswerT | list[AnswerT]:
        """Answer a text, or each text of a list.

        Args:
            text: one text, or a list of any length; what does not fit beside the prompt is cut off at its end.

        Returns:
            an answer for a text; a list of them, in the texts' order, for a list.

        Raises:
            BadInput: not a text, an empty one, or one that is not Unicode; names its place in the list.
        """
        if isinstance(text, str):
            return self.predict([text])[0]
        check_texts(text)
        if self.engine is not None:
            return self.engine.each(partial(self._asked, self.engine), text)
        return [self._answer(*self._read(one, place)) for place, one in enumerate(text)]

    def _opened(self, threads: int) -> Decoder:
        """What runs the model's weights."""
        return Decoder(self.folder / self.weights, threads)

    def _rest(self, text: str, place: int) -> list[int]:
        """The tokens of a text and of what stands after it."""
        rest = self._frame.rest(text)
        if len(rest) == len(self._frame.after):
            raise BadInput("This text holds nothing the specialist can read.", where=f"text {place}")
        return rest

    def _read(self, text: str, place: int) -> tuple[NDArray[np.float32], Read]:
        """Read a text and what stands around it: the logits of an answer's first token, and what was read."""
        return self._decoder.read(self._rest(text, place), self._before)

    def _asked(self, engine: Engine, text: str, place: int) -> AnswerT:
        """What an engine answers to a text."""
        return self._by(engine, [*self._frame.before, *self._rest(text, place)])

    @abstractmethod
    def _by(self, engine: Engine, ids: list[int]) -> AnswerT:
        """The answer that an engine writes to what it is given."""

    @abstractmethod
    def _answer(self, logits: NDArray[np.float32], read: Read) -> AnswerT:
        """Write the answer to what was read; `logits` are of its first token, float32 [vocabulary]."""


class MeanProbability:
    """How likely a model found the tokens it chose: the geometric mean of their calibrated probabilities.

    Args:
        temperature: probabilities are softmax(logits / temperature).
    """

    def __init__(self, temperature: float) -> None:
        self._temperature = temperature
        self._log_sum, self._count = 0.0, 0

    def count(self, log: float) -> None:
        """Count a token by the logarithm of its probability."""
        self._log_sum += log
        self._count += 1

    def add(self, logits: NDArray[np.float32], token: int) -> None:
        """Count a token, by the logits [vocabulary] it was chosen from: among all tokens, not the allowed alone."""
        import numpy as np

        scaled = (logits - logits.max()) / np.float32(self._temperature)
        self.count(float(scaled[token]) - math.log(float(np.exp(scaled).sum(dtype=np.float64))))

    @property
    def value(self) -> float:
        """0 to 1; of no tokens 1."""
        return math.exp(self._log_sum / self._count) if self._count else 1.0
