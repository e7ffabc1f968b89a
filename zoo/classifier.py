"""A classification specialist at work: tokenizers before, ONNX Runtime behind, calibrated probabilities out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, overload

from zoo.errors import BadInput, BrokenSpecialist
from zoo.manifest import CLASSIFICATION, TOKENIZER, WEIGHTS, Manifest
from zoo.runtime import open_session, open_tokenizer

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


class Classifier:
    """A loaded classification specialist; safe to use from several threads at once. Made by `zoo.load`.

    Args:
        folder: the specialist's folder, verified by the caller.
        manifest: its manifest.
        weights: `int8`, `fp32`, or None for the manifest's default.
        threads: CPU threads one run of the model may use.
        batch_size: texts a run; None: 1 for int8 and 32 for fp32. Dynamically quantized weights scale activations by
            the largest value in the batch, so that in larger batches the neighbours of a text change its scores a
            little; alone, its answer depends on the text and nothing else. (A six-layer int8 encoder on one thread
            was no slower that way: padding costs more than batching gains.)

    Raises:
        BrokenSpecialist: another kind than classification, weights that are not there, or files that do not fit
            together (one short text is asked to find out).
    """

    def __init__(
        self,
        folder: Path,
        manifest: Manifest,
        *,
        weights: str | None = None,
        threads: int = 1,
        batch_size: int | None = None,
    ) -> None:
        if manifest.kind != CLASSIFICATION:
            raise BrokenSpecialist(
                f"This zoo can't run specialists of the kind {manifest.kind!r}.",
                where=str(folder),
                fix="Upgrade the zoo: pip install --upgrade specialist-zoo.",
            )
        for name, value in (("threads", threads), ("batch_size", 1 if batch_size is None else batch_size)):
            if not isinstance(value, int) or value < 1:
                raise BadInput(f"{name} must be a whole number from 1, not {value!r}.")
        self.folder, self.manifest = folder, manifest
        self.weights = _weights(manifest, weights)
        self.batch_size = batch_size or (1 if self.weights == WEIGHTS["int8"] else 32)
        self._tokenizer, self._pad = open_tokenizer(folder / TOKENIZER, manifest.max_tokens)
        self._session = open_session(folder / self.weights, threads)
        if self.logits(["a"]).shape != (1, len(self.labels)):
            raise self._broken(f"its model does not answer with {len(self.labels)} numbers, one a label")

    @property
    def name(self) -> str:
        """`<vertical>/<task>`."""
        return self.manifest.name

    @property
    def version(self) -> str:
        """`major.minor.patch`."""
        return self.manifest.version

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels, in the order of the model's outputs."""
        return self.manifest.labels

    def __repr__(self) -> str:
        return f"<zoo.Classifier {self.manifest.id}, {len(self.labels)} labels, {self.weights}>"

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
        threshold = self.manifest.threshold
        answers = []
        for row in self.predict_proba(text):
            best = int(row.argmax())
            confidence = float(row[best])
            answers.append(
                Answer(
                    label=self.labels[best],
                    confidence=confidence,
                    unsure=threshold is not None and confidence < threshold,
                    scores=dict(zip(self.labels, map(float, row), strict=True)) if scores else None,
                )
            )
        return answers

    def predict_proba(self, texts: list[str] | tuple[str, ...]) -> NDArray[np.float64]:
        """Calibrated probabilities, softmax(logits / temperature): float64 [texts, labels]; rows sum to 1."""
        import numpy as np

        scaled = self.logits(texts).astype(np.float64) / self.manifest.temperature
        scaled -= scaled.max(axis=1, keepdims=True)
        exponentials = np.exp(scaled)
        return np.asarray(exponentials / exponentials.sum(axis=1, keepdims=True))

    def logits(self, texts: list[str] | tuple[str, ...]) -> NDArray[np.float32]:
        """What the model says before calibration: float32 [texts, labels]. Raises BadInput like `predict`."""
        import numpy as np

        _check_texts(texts)
        out = np.empty((len(texts), len(self.labels)), dtype=np.float32)
        for start in range(0, len(texts), _WINDOW):
            tokens = [self._tokenizer.encode(text).ids for text in texts[start : start + _WINDOW]]
            for place, ids in enumerate(tokens, start):
                if not ids:
                    raise BadInput("This text holds nothing the specialist can read.", where=f"text {place}")
            for rows in _batches(tokens, self.batch_size):
                out[[start + row for row in rows]] = self._run([tokens[row] for row in rows])
        return out

    def _run(self, tokens: list[list[int]]) -> NDArray[np.float32]:
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
        if answer.shape != (len(tokens), len(self.labels)):
            raise self._broken(
                f"its model answers {len(tokens)} texts and {len(self.labels)} labels with {answer.shape}"
            )
        if not np.isfinite(answer).all():
            raise self._broken("its model answers with what is not a number")
        return answer

    def _broken(self, why: str) -> BrokenSpecialist:
        return BrokenSpecialist(
            f"{self.manifest.id} is broken: {why}.",
            where=str(self.folder / self.weights),
            fix="Use another version, and tell whoever published this one.",
        )


def _weights(manifest: Manifest, asked: str | None) -> str:
    if asked is None:
        return manifest.default_weights
    there = [name for name, path in WEIGHTS.items() if path in manifest.files]
    if asked not in there:
        raise BadInput(f"{manifest.id} has no {asked!r} weights.", fix=f"Use one of: {', '.join(there)}.")
    return WEIGHTS[asked]


def _check_texts(texts: object) -> None:
    if not isinstance(texts, list | tuple):
        raise BadInput(f"Give a text or a list of texts, not {type(texts).__name__}.")
    for place, text in enumerate(texts):
        where = f"text {place}" if len(texts) > 1 else ""
        if not isinstance(text, str):
            raise BadInput(f"Give texts, not {type(text).__name__}.", where=where)
        if not text.strip():
            raise BadInput("The text is empty.", where=where, fix="Leave empty texts out before asking.")
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise BadInput(
                f"The text is not Unicode: {error.reason} at character {error.start}.",
                where=where,
                fix="Read the file with its own encoding, or with errors='replace'.",
            ) from error


def _batches(tokens: list[list[int]], size: int) -> Iterator[list[int]]:
    """Rows in batches of about equal length, so that little is spent on padding."""
    rows = sorted(range(len(tokens)), key=lambda row: len(tokens[row]))
    for start in range(0, len(rows), size):
        yield rows[start : start + size]
