"""A causal language model behind ONNX Runtime that keeps what it has read, so that every token is read once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.errors import BrokenSpecialist
from zoo.runtime import check_names, open_session

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

INPUTS = ("input_ids", "attention_mask", "position_ids")
_PAST, _PRESENT = "past_key_values.", "present."


@dataclass(frozen=True)
class Read:
    """What a model has read: never changed, so that many can go on from one.

    Attributes:
        tokens: how many.
        cache: key and value of every layer, in the order of the model's inputs, as ONNX Runtime holds them.
    """

    tokens: int
    cache: tuple[Any, ...]


class Decoder:
    """A model that says, after what it has read, how likely each token is to come next. Threads can share one.

    Args:
        path: an ONNX file whose inputs and outputs are named as optimum and transformers.js name them.
        threads: CPU threads one run may use.

    Attributes:
        nothing: what it has read before it reads.

    Raises:
        BrokenSpecialist: the file can't be read, or has other inputs or outputs.
    """

    def __init__(self, path: Path, threads: int = 1) -> None:
        import numpy as np
        from onnxruntime import OrtValue

        self._path = path
        self._session = open_session(path, threads)
        past = [item for item in self._session.get_inputs() if item.name.startswith(_PAST)]
        self._past = [item.name for item in past]
        self._outputs = ["logits", *(name.replace(_PAST, _PRESENT) for name in self._past)]
        check_names(self._session, [*INPUTS, *self._past], self._outputs, path)
        try:
            empty = [np.zeros((1, item.shape[1], 0, item.shape[3]), np.float32) for item in past]
        except (IndexError, TypeError, ValueError) as error:
            raise BrokenSpecialist("The model does not say how many heads it has.", where=str(path)) from error
        self.nothing = Read(0, tuple(map(OrtValue.ortvalue_from_numpy, empty)))

    def read(self, ids: Sequence[int], before: Read) -> tuple[NDArray[np.float32], Read]:
        """Read tokens, one or more, after what was read before.

        Returns:
            the next token's logits, float32 [vocabulary], all finite; and what has been read now.

        Raises:
            BrokenSpecialist: the model can't be run, or answers with what is not a number.
        """
        import numpy as np
        from onnxruntime import OrtValue

        total = before.tokens + len(ids)
        given = {
            "input_ids": np.array([ids], np.int64),
            "attention_mask": np.ones((1, total), np.int64),
            "position_ids": np.arange(before.tokens, total, dtype=np.int64)[None],
        }
        feed = {name: OrtValue.ortvalue_from_numpy(value) for name, value in given.items()}
        feed.update(zip(self._past, before.cache, strict=True))
        try:
            said, *cache = self._session.run_with_ort_values(self._outputs, feed)
        except Exception as error:  # ONNX Runtime's errors share no base class of their own
            raise BrokenSpecialist(f"The model can't be run: {error}.", where=str(self._path)) from error
        logits = np.asarray(said.numpy()[0, -1], dtype=np.float32)
        if not np.isfinite(logits).all():
            raise BrokenSpecialist("The model answers with what is not a number.", where=str(self._path))
        return logits, Read(total, tuple(cache))
