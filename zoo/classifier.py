"""A classification specialist at work: tokenizers before, ONNX Runtime behind, calibrated probabilities out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from zoo.decoding import softmax
from zoo.encoder import EncoderSpecialist, batches
from zoo.errors import BadInput
from zoo.manifest import CLASSIFICATION, Manifest
from zoo.specialist import check_texts

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_WINDOW = 4096  # texts tokenized at a time; bounds memory, whatever the list's length


@dataclass(frozen=True)
class Answer:
    """What a classifier says about a text.

    Attributes:
        label: the most probable label.
        confidence: its calibrated probability, 0 to 1.
        unsure: the confidence is below the specialist's threshold: better ask a person, or a larger model.
        scores: every label's probability, in the manifest's order; None unless asked for.
    """

    label: str
    confidence: float
    unsure: bool
    scores: Mapping[str, float] | None = field(default=None, hash=False)


class Classifier(EncoderSpecialist):
    """A loaded classification specialist; see EncoderSpecialist."""

    KIND = CLASSIFICATION

    def __init__(self, folder: Path, manifest: Manifest, **how: Any) -> None:
        super().__init__(folder, manifest, **how)
        self.logits(["a"])

    @overload
    def predict(self, text: str, *, scores: bool = False) -> Answer: ...

    @overload
    def predict(self, text: list[str] | tuple[str, ...], *, scores: bool = False) -> list[Answer]: ...

    def predict(self, text: str | list[str] | tuple[str, ...], *, scores: bool = False) -> Answer | list[Answer]:
        """Classify a text, or each text of a list.

        Args:
            text: one text, or a list of any length; what goes beyond `manifest.max_tokens` is cut off.
            scores: also give every label's probability.

        Returns:
            an Answer for a text; a list of them, in the texts' order, for a list.

        Raises:
            BadInput: not a text, an empty one, or one that is not Unicode; names its place in the list.
        """
        if isinstance(text, str):
            return self.predict([text], scores=scores)[0]
        answers = []
        for row in self.predict_proba(text):
            best = int(row.argmax())
            confidence = float(row[best])
            answers.append(
                Answer(
                    label=self.labels[best],
                    confidence=confidence,
                    unsure=self.manifest.doubt.unsure(confidence, self.labels[best]),
                    scores=dict(zip(self.labels, map(float, row), strict=True)) if scores else None,
                )
            )
        return answers

    def predict_proba(self, texts: list[str] | tuple[str, ...]) -> NDArray[np.float64]:
        """Calibrated probabilities, softmax(logits / temperature): float64 [texts, labels]; rows sum to 1."""
        return softmax(self.logits(texts), self.manifest.temperature)

    def logits(self, texts: list[str] | tuple[str, ...]) -> NDArray[np.float32]:
        """What the model says before calibration: float32 [texts, labels]. Raises BadInput like `predict`."""
        import numpy as np

        check_texts(texts)
        out = np.empty((len(texts), len(self.labels)), dtype=np.float32)
        for start in range(0, len(texts), _WINDOW):
            tokens = [self._tokenizer.encode(text).ids for text in texts[start : start + _WINDOW]]
            for place, ids in enumerate(tokens, start):
                if not ids:
                    raise BadInput("This text holds nothing the specialist can read.", where=f"text {place}")
            for rows in batches(tokens, self.batch_size):
                answer = self._run([tokens[row] for row in rows])
                if answer.shape != (len(rows), len(self.labels)):
                    raise self._broken(
                        f"its model answers {len(rows)} texts and {len(self.labels)} labels with {answer.shape}"
                    )
                out[[start + row for row in rows]] = answer
        return out
