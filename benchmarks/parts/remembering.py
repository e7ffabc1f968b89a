"""A frozen encoder that reads each text once, however often a head is fitted to its vectors."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from factory.progress import Progress, silent
from factory.students.encoder import Encoder


class Remembering(Encoder):
    """An encoder of which nothing but the head is changed.

    The head is linear, so the mean of the tokens' logits is the head on the mean of their vectors (see Encoder).
    """

    def vectors(self, texts: Sequence[str], progress: Progress = silent) -> NDArray[np.float32]:
        """See Encoder.vectors."""
        known: dict[str, NDArray[np.float32]] = self.__dict__.setdefault("_known", {})
        new = sorted(set(texts) - set(known))
        known |= dict(zip(new, super().vectors(new, progress), strict=True))
        empty = np.zeros((0, self.model.config.hidden_size), np.float32)
        return np.stack([known[text] for text in texts]) if texts else empty

    def predict_logits(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """See Encoder.predict_logits."""
        head = self.model.classifier
        weight, bias = (part.detach().cpu().numpy() for part in (head.weight, head.bias))
        found: NDArray[np.float32] = self.vectors(texts) @ weight.T + bias
        return found
