"""What all specialists have in common: a folder, a manifest, a tokenizer, and a model behind ONNX Runtime."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from zoo.errors import BadInput, BrokenSpecialist
from zoo.manifest import TOKENIZER, WEIGHTS, Manifest
from zoo.runtime import open_session, open_tokenizer

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Specialist(ABC):
    """A loaded specialist; safe to use from several threads at once. Made by `zoo.load`.

    Args:
        folder: the specialist's folder, verified by the caller.
        manifest: its manifest.
        weights: `int8`, `fp32`, or None for the manifest's default.
        threads: CPU threads one run of the model may use.
        batch_size: texts a run; None: 1 for int8 and 32 for fp32. Dynamically quantized weights scale activations by
            the largest value in the batch, so that in larger batches the neighbours of a text change its scores a
            little; alone, its answer depends on the text and nothing else. (A six-layer int8 encoder on one thread
            was no slower that way: padding costs more than batching gains.)

    Attributes:
        KIND: the kind of task whose specialists it runs.
        TRUNCATES: whether texts are cut at the manifest's max_tokens.

    Raises:
        BrokenSpecialist: another kind, weights that are not there, or files that do not fit together (one short text
            is asked to find out).
    """

    KIND: ClassVar[str]
    TRUNCATES: ClassVar[bool] = True

    def __init__(
        self,
        folder: Path,
        manifest: Manifest,
        *,
        weights: str | None = None,
        threads: int = 1,
        batch_size: int | None = None,
    ) -> None:
        if manifest.kind != self.KIND:
            raise BrokenSpecialist(
                f"This is a specialist of the kind {manifest.kind!r}; {type(self).__name__} runs {self.KIND!r}.",
                where=str(folder),
                fix="Use zoo.load, which knows the kinds; of one it does not know, upgrade the zoo.",
            )
        for name, value in (("threads", threads), ("batch_size", 1 if batch_size is None else batch_size)):
            if not isinstance(value, int) or value < 1:
                raise BadInput(f"{name} must be a whole number from 1, not {value!r}.")
        self.folder, self.manifest = folder, manifest
        self.weights = _weights(manifest, weights)
        self.batch_size = batch_size or (1 if self.weights == WEIGHTS["int8"] else 32)
        limit = manifest.max_tokens if self.TRUNCATES else None
        self._tokenizer, self._pad = open_tokenizer(folder / TOKENIZER, limit)
        self._session = open_session(folder / self.weights, threads)

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
        """The labels, in the manifest's order."""
        return self.manifest.labels

    def __repr__(self) -> str:
        return f"<zoo.{type(self).__name__} {self.manifest.id}, {len(self.labels)} labels, {self.weights}>"

    @abstractmethod
    def predict(self, text: Any) -> Any:
        """The answer about a text; a list of them for a list of texts."""

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


def check_texts(texts: object) -> None:
    """See that these are texts that can be asked about; raises BadInput naming the place of the first that is not."""
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


def batches(tokens: list[list[int]], size: int) -> Iterator[list[int]]:
    """Rows in batches of about equal length, so that little is spent on padding."""
    rows = sorted(range(len(tokens)), key=lambda row: len(tokens[row]))
    for start in range(0, len(rows), size):
        yield rows[start : start + size]
