"""A specialist that marks spans at work: pieces and windows before, ONNX Runtime behind, spans of whole words out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from zoo import decoding
from zoo.encoder import EncoderSpecialist, batches
from zoo.manifest import SPANS, Manifest
from zoo.mark import Mark
from zoo.specialist import check_texts
from zoo.windows import Pieces, join, pieces, windows

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_TEXTS = 256  # texts read at a time; bounds memory, whatever the list's length


@dataclass(frozen=True)
class Span(Mark):
    """A stretch of a text, and what a tagger says it is.

    Attributes:
        label, start, end, text: see Mark.
        score: how likely the type and both ends are right, 0 to 1: the calibrated probability of its least sure piece.
        unsure: the score is below the specialist's threshold: better ask a person, or a larger model.
    """

    score: float
    unsure: bool


class Tagger(EncoderSpecialist):
    """A loaded specialist that marks spans; see EncoderSpecialist.

    Texts of any length are read: longer ones than the manifest's max_tokens in windows that overlap.
    """

    KIND = SPANS
    TRUNCATES = False

    def __init__(self, folder: Path, manifest: Manifest, **how: Any) -> None:
        super().__init__(folder, manifest, **how)
        self._tags = decoding.tags(manifest.labels)
        self.logits(["a"])

    @overload
    def predict(self, text: str) -> list[Span]: ...

    @overload
    def predict(self, text: list[str] | tuple[str, ...]) -> list[list[Span]]: ...

    def predict(self, text: str | list[str] | tuple[str, ...]) -> list[Span] | list[list[Span]]:
        """Mark a text, or each text of a list.

        Args:
            text: one text, or a list of any length.

        Returns:
            the spans of a text by start: none overlap, none begins or ends within a word, and there may be none; a
            list of these, in the texts' order, for a list.

        Raises:
            BadInput: not a text, an empty one, or one that is not Unicode; names its place in the list.
        """
        if isinstance(text, str):
            return self.predict([text])[0]
        check_texts(text)
        return [
            self._spans(one, cut, said)
            for start in range(0, len(text), _TEXTS)
            for one, (cut, said) in zip(
                text[start : start + _TEXTS], self._read(text[start : start + _TEXTS]), strict=True
            )
        ]

    def logits(self, texts: list[str] | tuple[str, ...]) -> list[NDArray[np.float32]]:
        """What the model says of each text's pieces before calibration: float32 [pieces, 1 + 2 x labels].

        Columns are O, then B and I of each label. Raises BadInput like `predict`.
        """
        check_texts(texts)
        return [said for _, said in self._read(texts)]

    def _read(self, texts: list[str] | tuple[str, ...]) -> list[tuple[Pieces, NDArray[np.float32]]]:
        cuts = [pieces(self._tokenizer, text) for text in texts]
        given = [windows(cut, self.manifest.max_tokens) for cut in cuts]
        flat = [one.ids for some in given for one in some]
        said: dict[int, NDArray[np.float32]] = {}
        for rows in batches(flat, self.batch_size):
            answer = self._run([flat[row] for row in rows])
            if answer.shape != (len(rows), max(len(flat[row]) for row in rows), len(self._tags)):
                raise self._broken(f"its model does not answer with {len(self._tags)} numbers a piece")
            said |= {row: one[: len(flat[row])] for row, one in zip(rows, answer, strict=True)}
        answers = iter([said[row] for row in range(len(flat))])
        return [(cut, join(cut, some, [next(answers) for _ in some])) for cut, some in zip(cuts, given, strict=True)]

    def _spans(self, text: str, cut: Pieces, said: NDArray[np.float32]) -> list[Span]:
        probabilities = decoding.softmax(said, self.manifest.temperature)
        return [
            Span(
                label=one.label,
                start=one.start,
                end=one.end,
                text=text[one.start : one.end],
                score=one.score,
                unsure=self.manifest.doubt.unsure(one.score, one.label),
            )
            for one in decoding.spans(text, cut.places, probabilities, self.labels)
        ]
