"""Specialists whose model is an encoder behind ONNX Runtime: one run for a text, or for several."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from zoo.manifest import TOKENIZER, WEIGHTS, Manifest
from zoo.runtime import INDEPENDENT, check_names, open_session, open_tokenizer
from zoo.specialist import Specialist, check_count

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

INPUTS = ("input_ids", "attention_mask")


class EncoderSpecialist(Specialist):
    """A specialist whose model is an encoder; see Specialist.

    Args:
        batch_size: texts a run; None: 32 for fp32 and 8 for int8, or 1 where its texts are not independent
            (zoo.runtime.INDEPENDENT): there the neighbours of a text would change its scores a little, and its answer
            should depend on the text and nothing else.
        how: what Specialist takes.

    Attributes:
        TRUNCATES: whether texts are cut at the manifest's max_tokens.
    """

    TRUNCATES: ClassVar[bool] = True

    def __init__(
        self, folder: Path, manifest: Manifest, *, threads: int = 1, batch_size: int | None = None, **how: Any
    ) -> None:
        super().__init__(folder, manifest, threads=threads, **how)
        limit = manifest.max_tokens if self.TRUNCATES else None
        self._tokenizer, self._pad = open_tokenizer(folder / TOKENIZER, limit)
        self._session = open_session(folder / self.weights, threads)
        check_names(self._session, INPUTS, ("logits",), folder / self.weights)
        self._batch_size = self._usual() if batch_size is None else batch_size
        check_count("batch_size", self._batch_size)

    def _usual(self) -> int:
        if self.weights != WEIGHTS["int8"]:
            return 32
        key, value = INDEPENDENT
        return 8 if self._session.get_modelmeta().custom_metadata_map.get(key) == value else 1

    @property
    def batch_size(self) -> int:
        """Texts a run."""
        return self._batch_size

    def _run(self, tokens: list[list[int]]) -> NDArray[np.float32]:
        """What the model says of texts' token ids: their logits, finite, whatever their shape."""
        import numpy as np

        ids = np.full((len(tokens), max(map(len, tokens))), self._pad, dtype=np.int64)
        mask = np.zeros_like(ids)
        for row, text in enumerate(tokens):
            ids[row, : len(text)] = text
            mask[row, : len(text)] = 1
        try:
            (logits,) = self._session.run(["logits"], {"input_ids": ids, "attention_mask": mask})
        except Exception as error:  # ONNX Runtime's errors share no base class of their own
            raise self._broken(f"its model can't be run: {error}") from error
        answer = np.asarray(logits, dtype=np.float32)
        if not np.isfinite(answer).all():
            raise self._broken("its model answers with what is not a number")
        return answer


def batches(tokens: list[list[int]], size: int) -> Iterator[list[int]]:
    """Rows in batches of about equal length, so that little is spent on padding."""
    rows = sorted(range(len(tokens)), key=lambda row: len(tokens[row]))
    for start in range(0, len(rows), size):
        yield rows[start : start + size]
